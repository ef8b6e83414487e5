"""Several processes on one port: the supervisor, its child processes, and what they share."""
