"""Columns whose values are arrays of numbers, such as pictures and embeddings."""
