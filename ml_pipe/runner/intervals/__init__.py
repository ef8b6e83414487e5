"""Amounts with an interval in which the true value should lie."""
