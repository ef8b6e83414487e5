"""The typed settings, their sources, and what they open: model store and prediction log."""
