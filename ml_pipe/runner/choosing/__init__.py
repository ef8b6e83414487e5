"""What is chosen of a model: the estimator among candidates, its settings, and its threshold."""
