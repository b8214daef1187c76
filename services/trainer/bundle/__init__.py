"""Writes and reads model bundles: JSON, ONNX and LightGBM text, nothing pickled, no code."""
