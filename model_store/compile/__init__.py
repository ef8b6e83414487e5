"""Compiled models: an estimator as an ONNX graph, and the proof that both answer the same."""
