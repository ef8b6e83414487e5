"""A connection: the server, its protocol, and the fast path that answers predictions on it."""
