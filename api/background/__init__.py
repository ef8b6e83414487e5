"""What the service does beside answering: monitoring, and the upkeep of the prediction log."""
