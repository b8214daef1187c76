"""The object store: one port (`port`) with adapters for S3, a folder and memory."""
