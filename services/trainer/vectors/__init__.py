"""Blocks of vectors: from one vector a case to one out-of-fold log-risk a block."""
