"""What a version must pass before it is served; what it brings was written by somebody else."""

CHECK_NUMBER = 1
"""Grows whenever a check becomes stricter: what passed the one before is checked again."""
