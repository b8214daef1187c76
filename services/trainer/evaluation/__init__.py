"""Cross-validation of every arm, its negative controls and its figures."""
