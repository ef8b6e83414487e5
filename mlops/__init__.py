"""The command `mlops`: train, serve, look into the model store and the prediction log."""
