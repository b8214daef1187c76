"""A report as one page that a reviewer can read from top to bottom."""
