"""What happened: the prediction log, its readers and limits, and the statistics of columns."""
