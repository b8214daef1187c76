"""Tiler: plans a landed slide into tiles, and serves their pixels."""
