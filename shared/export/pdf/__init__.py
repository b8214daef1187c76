"""A score as a PDF of two pages."""
