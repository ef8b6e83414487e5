"""What a version must pass before it is served; what it brings was written by somebody else."""
