"""The newest rows of each version, column by column, compared with its training data."""
