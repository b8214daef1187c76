"""The object store: one port (`port`), S3, a folder and memory behind it."""
