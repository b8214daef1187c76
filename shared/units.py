"""Units as types: what a number counts is part of its name."""

from typing import NewType

CaseId = NewType("CaseId", str)
"""Pseudonym of a patient's case, `[A-Za-z0-9._-]{1,64}`."""
SlideId = NewType("SlideId", str)
"""Pseudonym of a slide, unique within its case."""
Sha256 = NewType("Sha256", str)
"""Lower-case hex SHA-256, 64 characters."""
Level0Px = NewType("Level0Px", int)
"""Pixels of the slide's full resolution."""
TilePx = NewType("TilePx", int)
"""Pixels of a tile after resampling."""
Microns = NewType("Microns", float)
MicronsPerPx = NewType("MicronsPerPx", float)
Years = NewType("Years", float)
Seconds = NewType("Seconds", float)
