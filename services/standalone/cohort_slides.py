"""The slides of a cohort on this machine; tiles are read only from the slide that was embedded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.standalone.errors import located
from services.standalone.local_slides import SlideFile
from services.standalone.selection import parted, select
from services.tiler.errors import NotASlideError
from services.tiler.grid import GridSpec
from services.tiler.ports import Cut, SlideReader, Tiles
from services.tiler.readers import OpenSlide, open_slide
from services.tiler.resolution import Override
from services.trainer.cohort.embeddings import Spots
from services.trainer.errors import BadEmbeddingsError


@dataclass(frozen=True)
class CohortSlides:
    """Slides by case id and slide id."""

    files: Mapping[tuple[str, str], SlideFile]
    default_mpp: float | None
    """Microns per pixel of slides that state none."""
    open_slide: OpenSlide = open_slide

    @classmethod
    def below(cls, folder: Path, default_mpp: float | None) -> Self:
        """Find the slides of a folder as `medulla embed` does.

        Raises:
            PermanentError: there is no slide in it.
        """
        slides, refused = parted(select([folder]))
        if not slides:
            raise located(refused[0].error, refused[0].path)
        return cls({(slide.case_id, slide.slide_id): slide for slide in slides}, default_mpp)

    def tiles(self, case: str, spots: Spots, grid: GridSpec) -> Tiles:
        """Read tiles of one slide, as `grid` cuts them.

        Raises:
            BadEmbeddingsError: the slide differs from the embedded one.
            SlideError: it is missing or cannot be read.
        """
        slide = self._slide(case, spots)
        with slide.at_hand() as path, self.open_slide(path, Override(slide.mpp, self.default_mpp)) as reader:
            return reader.read_tiles(spots.origins, _cut(grid, reader))

    def _slide(self, case: str, spots: Spots) -> SlideFile:
        name = f"slide {spots.slide_id} of case {case}"
        file = self.files.get((case, spots.slide_id))
        if file is None:
            raise NotASlideError(f"{name} is in the embeddings, but not among the slides")
        if file.digest != spots.slide_digest:
            raise BadEmbeddingsError(f"{name} is not the slide that was embedded: its digest is another one")
        return file


def _cut(grid: GridSpec, reader: SlideReader) -> Cut:
    resolution = reader.describe().resolution
    return Cut(grid.side(resolution.mpp_x), grid.side(resolution.mpp_y), grid.tile_px, grid.preprocessing)
