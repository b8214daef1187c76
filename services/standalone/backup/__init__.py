"""Backups of database and bucket: parts named after their digests, a manifest a backup, and the way back."""
