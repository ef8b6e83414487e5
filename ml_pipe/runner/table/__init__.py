"""The table of a run: read from a file, checked, held against the last version, and kept."""
