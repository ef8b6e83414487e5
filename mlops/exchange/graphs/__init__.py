"""Graphs of ONNX from elsewhere: what goes in, what comes out, and what that means."""
