"""The model process: an estimator answers in a process of its own, which may hang or crash."""
