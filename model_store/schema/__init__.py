"""The signature of a model, and how JSON rows and tables become its columns, and back."""
