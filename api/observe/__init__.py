"""What the service records of itself: metrics, JSON lines on standard output, the audit log."""
