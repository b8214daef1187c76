"""Fits, questions and signs the models that the scorer serves."""
