"""The first load of a version: in a process of its own, which may hang or crash."""
