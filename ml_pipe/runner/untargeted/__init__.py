"""Tables without a column to predict: unusual rows, and groups of rows that are alike."""
