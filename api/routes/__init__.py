"""The routes, one module a noun. Each takes a request apart, calls one thing, and answers."""
