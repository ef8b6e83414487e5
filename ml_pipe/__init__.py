"""The pipeline: notebooks, and beside them the modules that nbdev exports from them."""

__version__ = "0.1.0"
