"""A run: the notebooks of a pipeline, their parameters, their surroundings and their folder."""
