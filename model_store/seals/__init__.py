"""Seals: a publisher's signature under a version, and the keys that a service knows."""
