"""A cohort: its table, its outcome and the embeddings of its slides."""
