"""Encoders of others: recipes, and the way from a PyTorch network to an encoder's folder."""
