"""Scores the risk of recurrence of a case from its slides' embeddings and its clinical record."""
