"""The machinery behind the notebooks: parameters, runs, table files, cards."""
