"""Columns of tables: what their cells mean, each column by its own."""
