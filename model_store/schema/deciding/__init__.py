"""What the service makes of probabilities: whether it answers, and how many labels it names."""
