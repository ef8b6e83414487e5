"""Arrays of numbers in a table: in its cells, in NumPy's own files, and in columns to be joined."""
