"""Generates the reference of the guide from the code, and builds the guide as a site; `make docs`."""
