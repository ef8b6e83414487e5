"""Which models are served: loaded from the store, and replaced when an alias moves."""
