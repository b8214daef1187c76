"""How slides are planned and embedded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import cpu_count
from pathlib import Path

from services.embedder.shipped_encoder import DEFAULT_ENCODER


@dataclass(frozen=True)
class Options:
    """Options of the pipeline."""

    encoder: Path = DEFAULT_ENCODER
    default_mpp: float | None = None
    workers: int = field(default_factory=lambda: cpu_count() or 1)
    """Slides processed in parallel."""
    slide_mpp: Mapping[str, float] = field(default_factory=dict)
    """Microns per pixel by `case_id/slide_id`, as a table of slides states them."""
