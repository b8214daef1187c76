"""Plans a slide: overview, tissue, grid, verdicts. Pure except for reading pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from services.tiler.colours import check_pixels
from services.tiler.errors import UnreadableSlideError
from services.tiler.grid import Grid, GridSpec, lay
from services.tiler.ledger import Ledger, first_verdicts
from services.tiler.ports import Mask, Origins, Rgb, SlideFacts, SlideReader
from services.tiler.qc import remarks
from services.tiler.resolution import check_extent
from services.tiler.sharpness import SHARPNESS_UM_PER_PX, at_two_microns, find_blurred
from services.tiler.staining import stain_colours
from services.tiler.tissue import TissueMap, TissueRules, find_tissue, overview_scale
from shared.canonical import digest_of
from shared.slides.verdict import Verdict
from shared.units import MicronsPerPx, Sha256

PLANNER_VERSION = 2
"""Increased whenever the same slide and rules would give another plan."""
_THUMBNAIL_PX = 1024
_MIN_READABLE = 0.5
"""Share of the overview that must decode."""


class QualityRules(BaseModel):
    """Rules for the places to embed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_tissue: float = Field(default=0.4, ge=0, le=1)
    """Tiles with less tissue than this fraction are dropped."""
    max_pen: float = Field(default=0.05, ge=0, le=1)
    """Tiles with more marker ink than this fraction are dropped."""
    min_sharpness: float = Field(default=150.0, ge=0)
    """Tiles whose Laplacian at 2 um/px varies less than this are out of focus."""
    tissue: TissueRules = TissueRules()


class PlanSpec(BaseModel):
    """All parameters of a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grid: GridSpec = GridSpec()
    quality: QualityRules = QualityRules()
    tiles_per_chunk: int = Field(default=256, ge=1, le=512)


@dataclass(frozen=True, slots=True)
class TilePlan:
    """The tiles of a slide, and what was left out and why."""

    digest: Sha256
    slide_digest: Sha256
    spec: PlanSpec
    slide: SlideFacts
    grid: Grid
    ledger: Ledger
    coords: Origins
    """int32 [n, 2]: level-0 corners of the ok places, row by row."""
    qc_flags: tuple[str, ...]
    overview_um_per_px: MicronsPerPx
    """Resolution of the mask, at which tissue was looked for."""
    tissue_mm2: float
    colours: tuple[float, ...]
    """See `stain_colours`."""
    mask: NDArray[np.uint8]
    """uint8 [height, width]: 0 background, 64 unreadable, 128 pen, 255 tissue."""
    thumbnail: Rgb

    @property
    def counts(self) -> dict[str, int]:
        """Number of places per verdict, by its name in lower case."""
        return {verdict.name.lower(): int((self.ledger == verdict).sum()) for verdict in Verdict}


def plan_digest(slide_digest: Sha256, slide: SlideFacts, spec: PlanSpec) -> Sha256:
    """Digest of a plan from its inputs."""
    resolution = [slide.resolution.mpp_x, slide.resolution.mpp_y, slide.resolution.source]
    return digest_of([slide_digest, resolution, spec.model_dump(mode="json"), PLANNER_VERSION])


def plan(reader: SlideReader, spec: PlanSpec, slide_digest: Sha256) -> TilePlan:
    """Plan a slide; a plan without an ok tile is not an error here.

    Raises:
        UnreadableSlideError: more than half of the slide does not decode.
        UnsupportedFormatError: the slide is grey or fluorescence.
        NoResolutionError, ImplausibleResolutionError: see `resolution`.
        SlideBeyondBoundsError: the grid has too many places.
    """
    slide = reader.describe()
    check_extent(slide)
    grid, scale = lay(spec.grid, slide), overview_scale(slide)
    tissue_map, thumbnail, colours = _look(reader, spec.quality.tissue, scale)
    ledger = _verdicts(reader, spec, grid, slide, tissue_map)
    return TilePlan(
        digest=plan_digest(slide_digest, slide, spec),
        slide_digest=slide_digest,
        spec=spec,
        slide=slide,
        grid=grid,
        ledger=ledger,
        coords=grid.corners(np.flatnonzero(ledger == Verdict.OK)),
        qc_flags=remarks(ledger, tissue_map, slide, spec.grid),
        overview_um_per_px=scale,
        tissue_mm2=round(float(tissue_map.tissue.sum()) * scale**2 / 1e6, 4),
        colours=colours,
        mask=_mask(tissue_map),
        thumbnail=thumbnail,
    )


def _look(reader: SlideReader, rules: TissueRules, um_per_px: MicronsPerPx) -> tuple[TissueMap, Rgb, tuple[float, ...]]:
    """Tissue, thumbnail and stain colours; the overview, the largest object in memory, is released here."""
    overview = reader.read_overview(um_per_px)
    if overview.readable.mean() < _MIN_READABLE:
        raise UnreadableSlideError(f"{1 - overview.readable.mean():.0%} of the slide does not decode")
    thumbnail = _thumbnail(overview.pixels)
    check_pixels(thumbnail)
    tissue_map = find_tissue(overview, rules, um_per_px)
    return tissue_map, thumbnail, stain_colours(overview.pixels, tissue_map.tissue)


def _verdicts(reader: SlideReader, spec: PlanSpec, grid: Grid, slide: SlideFacts, tissue_map: TissueMap) -> Ledger:
    """Verdicts on all places; a slide scanned too coarsely to measure its focus has no blurred ones."""
    rules = spec.quality
    ledger = first_verdicts(grid, slide, tissue_map, rules.min_tissue, rules.max_pen)
    if max(slide.resolution.mpp_x, slide.resolution.mpp_y) > SHARPNESS_UM_PER_PX:
        return ledger
    candidates = np.flatnonzero(ledger.ravel() == Verdict.OK)
    cut = at_two_microns(grid.cut, spec.grid.tile_um)
    blurred = find_blurred(reader, grid.corners(candidates), cut, rules.min_sharpness)
    ledger.ravel()[candidates[blurred]] = Verdict.BLURRED
    return ledger


def _mask(tissue_map: TissueMap) -> NDArray[np.uint8]:
    shades: list[tuple[Mask, int]] = [(tissue_map.tissue, 255), (tissue_map.pen, 128), (tissue_map.unreadable, 64)]
    mask = np.zeros(tissue_map.tissue.shape, np.uint8)
    for where, shade in shades:
        mask[where] = shade
    return mask


def _thumbnail(pixels: Rgb) -> Rgb:
    height, width = pixels.shape[:2]
    shrink = max(1.0, max(height, width) / _THUMBNAIL_PX)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
