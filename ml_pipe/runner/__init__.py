"""The machinery behind the notebooks; they call `load`, `evaluate` and `publish` of it."""
