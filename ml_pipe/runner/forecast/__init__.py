"""Time series: earlier values as columns, and a forecast beside the one that costs nothing."""
