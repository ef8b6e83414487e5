"""How good a fitted estimator is: its answers, scores, the guess it must beat, and warnings."""
