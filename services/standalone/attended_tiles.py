"""Writes the most attended tiles of a cohort as files for fine-tuning."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from services.standalone.cohort_slides import CohortSlides
from services.tiler.grid import GridSpec
from services.tiler.ports import Rgb
from services.trainer.cohort.embeddings import Spots
from shared.files import put
from shared.progress import Advance

_DONE = "done"


def keep(
    spots: Mapping[str, Sequence[Spots]], slides: CohortSlides, grid: GridSpec, out: Path, advance: Advance
) -> None:
    """Write each case's tiles as `out`/{case_id}/*.png; existing cases are skipped.

    Raises:
        BadEmbeddingsError: a slide differs from the embedded one.
        SlideError: a slide is missing or cannot be read.
    """
    for done, (case, parts) in enumerate(spots.items(), 1):
        folder = out / case
        if not (folder / _DONE).exists():
            folder.mkdir(parents=True, exist_ok=True)
            for slide_spots in parts:
                _keep(case, slide_spots, slides, grid, folder)
            (folder / _DONE).touch()
        advance(done, len(spots))


def kept(cases: Sequence[str], out: Path) -> dict[str, tuple[Path, ...]]:
    """The files of each case."""
    return {case: tuple(sorted((out / case).glob("*.png"))) for case in cases}


def _keep(case: str, spots: Spots, slides: CohortSlides, grid: GridSpec, folder: Path) -> None:
    tiles = slides.tiles(case, spots, grid)
    for (x, y), pixels, corrupt in zip(spots.origins.tolist(), tiles.pixels, tiles.corrupt, strict=True):
        if not corrupt:
            _write(pixels, folder / f"{spots.slide_id}_{x}_{y}.png")


def _write(pixels: Rgb, path: Path) -> None:
    coded, data = cv2.imencode(".png", np.asarray(pixels[..., ::-1]))
    if not coded:
        raise OSError(f"tile {path} cannot be written")
    put(path, data.tobytes())
