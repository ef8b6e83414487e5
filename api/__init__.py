"""The HTTP face of the service; `api.app` is its table of contents."""
