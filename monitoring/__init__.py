"""What happened: the prediction log, and what it tells about models that serve."""
