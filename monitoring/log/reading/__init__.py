"""Reading the prediction log, from any thread or process: entries, traffic, metrics."""
