"""Models on disk: what a bundle holds, how it is published, checked and loaded."""
