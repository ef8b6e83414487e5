"""What happened: the prediction log, and what is measured from it about the served models."""
