"""Steps of scikit-learn, and of ours, as nodes of an ONNX graph: exact where skl2onnx is not."""
