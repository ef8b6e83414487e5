"""What the files of models are, and versions as files of their own."""
