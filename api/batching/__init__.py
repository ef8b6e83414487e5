"""Predictions happen here: waiting requests share one model call and one commit."""
