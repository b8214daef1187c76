"""The services; each folder is one process, and none imports another (`standalone` alone composes them)."""
