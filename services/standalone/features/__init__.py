"""Feature files of TRIDENT, CLAM and STAMP become bags, and bags become such files."""
