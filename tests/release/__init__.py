"""Builds what is released, with lists of what is in it and a signed statement of where it comes from."""
