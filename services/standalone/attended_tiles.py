"""Reads the tiles that a cohort's attention chose out of its slides, and keeps them as files to learn from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from services.standalone.workspace import SlideFile, find
from services.tiler.errors import NotASlideError
from services.tiler.grid import GridSpec
from services.tiler.in_place import slide_digest
from services.tiler.ports import Cut, Rgb, SlideReader
from services.tiler.readers import open_slide
from services.tiler.resolution import Override
from services.trainer.errors import BadEmbeddingsError
from services.trainer.finetune.attention import Spots
from shared.files import put

Advance = Callable[[int, int], None]
_DONE = "done"


@dataclass(frozen=True)
class SlidesOfCohort:
    """Slides below `folder`/slides/{case_id}/, and how to cut them."""

    folder: Path
    grid: GridSpec
    default_mpp: float | None

    def keep(self, spots: Mapping[str, Sequence[Spots]], out: Path, advance: Advance) -> None:
        """Write each case's tiles as `out`/{case_id}/*.png; cases that are there already are passed over.

        Raises:
            BadEmbeddingsError: a slide is not there, or is not the one that was embedded.
            SlideError: a slide cannot be read.
        """
        slides = {(slide.case_id, slide.slide_id): slide for slide in find([self.folder])}
        for done, (case, parts) in enumerate(spots.items(), 1):
            folder = out / case
            if not (folder / _DONE).exists():
                folder.mkdir(parents=True, exist_ok=True)
                for part in parts:
                    self._keep(_slide(slides, case, part), part, folder)
                (folder / _DONE).touch()
            advance(done, len(spots))

    def _keep(self, slide: SlideFile, spots: Spots, folder: Path) -> None:
        if slide_digest(slide.path) != spots.slide_digest:
            raise BadEmbeddingsError(f"{slide.path} is not the slide that was embedded: its digest is another one")
        with open_slide(slide.path, Override(default=self.default_mpp)) as reader:
            tiles = reader.read_tiles(spots.origins, self._cut(reader))
        for (x, y), pixels, corrupt in zip(spots.origins.tolist(), tiles.pixels, tiles.corrupt, strict=True):
            if not corrupt:
                _write(pixels, folder / f"{slide.slide_id}_{x}_{y}.png")

    def _cut(self, reader: SlideReader) -> Cut:
        said = reader.describe().resolution
        return Cut(self.grid.side(said.mpp_x), self.grid.side(said.mpp_y), self.grid.tile_px)


def kept(cases: Sequence[str], out: Path) -> dict[str, tuple[Path, ...]]:
    """The files of each case."""
    return {case: tuple(sorted((out / case).glob("*.png"))) for case in cases}


def _slide(slides: Mapping[tuple[str, str], SlideFile], case: str, spots: Spots) -> SlideFile:
    found = slides.get((case, spots.slide_id))
    if found is None:
        raise NotASlideError(f"slide {spots.slide_id} of case {case} is in the embeddings, but not among the slides")
    return found


def _write(pixels: Rgb, path: Path) -> None:
    coded, data = cv2.imencode(".png", np.asarray(pixels[..., ::-1]))
    if not coded:
        raise OSError(f"tile {path} cannot be written")
    put(path, data.tobytes())
