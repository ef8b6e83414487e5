"""The HTTP face of the service: settings, gate, engine and routes."""
