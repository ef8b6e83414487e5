"""The prediction log: one writer, any number of readers, limits of size and of what is kept."""
