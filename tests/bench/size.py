"""How much is measured: enough for a figure to trust, or for a glance."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Size:
    """Sizes of slides are in copies of the bundled slide's pixels, each copy about 100 tiles."""

    repeats: int
    encoder_repeats: int
    """Fewer where an encoder works, which takes its time."""
    slide_copies: int
    """Across and down, of the slides that readers are compared on."""
    reader_tiles: int
    pipeline_copies: int
    """Across and down, of the slide that goes through the pipeline."""
    triton_tiles: int
    bucket_mb: int
    """Of the slide that is read from the bucket."""
    small_slides: int
    """Slides of one tile that go through the services, one after the other."""
    listed_cases: int
    """Cases in the database of the list."""
    stored_cases: int
    """Cases that a promotion scores again."""
    live_cases: int
    """Cases on an idle system, for comparison."""
    archived_cases: int
    """Cases in the bucket that sweeps go over."""

    def of_cases(self, cases: int) -> Self:
        """The same with so many cases in the list, in the archive, and in a promotion."""
        return replace(self, listed_cases=cases, stored_cases=cases, archived_cases=cases)


FULL = Size(
    repeats=5,
    encoder_repeats=4,
    slide_copies=8,
    reader_tiles=900,
    pipeline_copies=4,
    triton_tiles=192,
    bucket_mb=2000,
    small_slides=7,
    listed_cases=100_000,
    stored_cases=1000,
    live_cases=20,
    archived_cases=10_000,
)
QUICK = Size(
    repeats=3,
    encoder_repeats=2,
    slide_copies=3,
    reader_tiles=80,
    pipeline_copies=2,
    triton_tiles=64,
    bucket_mb=100,
    small_slides=2,
    listed_cases=10_000,
    stored_cases=200,
    live_cases=8,
    archived_cases=200,
)
