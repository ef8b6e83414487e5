"""Who may do what: the roles, their passwords, and the throttle on wrong ones."""
