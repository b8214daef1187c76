"""What an encoder is fine-tuned on."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Labels:
    """Learn from labelled tiles, DIR/{class}/{patient}__*.png."""

    tiles: Path


@dataclass(frozen=True)
class CohortReading:
    """How a cohort's table and slides are read."""

    profile: str | None
    columns: Path | None
    default_mpp: float | None


@dataclass(frozen=True)
class Outcomes:
    """Learn from the outcome of a cohort's patients."""

    cohort: Path
    slides: Path
    embeddings: Path
    reading: CohortReading
