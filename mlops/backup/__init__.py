"""One file that holds a service: made while it runs, verified, and restored."""
