"""Turns the tiles of a slide into a bag of feature vectors."""
