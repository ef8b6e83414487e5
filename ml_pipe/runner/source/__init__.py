"""Notebooks as source: the file, the modules exported from it, and what a kernel ran of it."""
