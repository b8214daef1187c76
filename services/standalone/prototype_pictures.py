"""Cuts the example tiles of a report's prototypes from the slides, as small pictures for its page."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError

from services.standalone.cohort_slides import CohortSlides
from services.standalone.console import progress
from services.standalone.pictures import data_uri, rgb_jpeg
from services.tiler.grid import GridSpec
from services.tiler.isolation import isolated_readers
from services.tiler.ports import Tiles
from services.trainer.cohort.embeddings import BagFile, Embeddings, Spots
from services.trainer.errors import BadEmbeddingsError
from services.trainer.report.plate import Picture, Plate
from services.trainer.report_model.patients import PrototypeRow, TileExample
from shared.errors import PermanentError
from shared.progress import Advance
from shared.units import TilePx

_PX = TilePx(224)
"""Sharp at the size on the page, and small enough for two dozen of them."""


def example_tiles(prototypes: Sequence[PrototypeRow], embeddings: Embeddings, slides: CohortSlides) -> Plate:
    """The example tiles of a report's prototypes, with a progress bar; slides are read in child processes."""
    with progress("slides") as advance, isolated_readers() as open_slide:
        return plate(prototypes, embeddings, replace(slides, open_slide=open_slide), advance)


def plate(prototypes: Sequence[PrototypeRow], embeddings: Embeddings, slides: CohortSlides, advance: Advance) -> Plate:
    """A picture of every example tile, or the reason why there is none; each slide is opened once."""
    examples = sorted((example for row in prototypes for example in row.examples), key=_slide)
    groups = [list(group) for _, group in groupby(examples, _slide)]
    pictures: dict[TileExample, Picture] = {}
    for done, group in enumerate(groups, 1):
        pictures |= zip(group, _pictures(group, embeddings, slides), strict=True)
        advance(done, len(groups))
    return Plate({row.prototype: tuple(pictures[example] for example in row.examples) for row in prototypes})


def _slide(example: TileExample) -> tuple[str, str]:
    return example.case_id, example.slide_id


def _pictures(examples: Sequence[TileExample], embeddings: Embeddings, slides: CohortSlides) -> list[Picture]:
    """Pictures of some tiles of one slide."""
    case, slide_id = _slide(examples[0])
    try:
        bag = _bag(embeddings, case, slide_id)
        grid = _grid(bag)
        spots = Spots(slide_id, bag.slide_digest, _origins(examples))
        return _drawn(slides.tiles(case, spots, grid), grid)
    except (PermanentError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return [Picture(why=why or "the slide cannot be read")] * len(examples)


def _bag(embeddings: Embeddings, case: str, slide_id: str) -> BagFile:
    bags = [bag for bag in embeddings.by_case[case] if bag.slide_id == slide_id]
    if len(bags) > 1:
        raise BadEmbeddingsError(f"case {case} has {len(bags)} slides of the name {slide_id} in the embeddings")
    return bags[0]


def _grid(bag: BagFile) -> GridSpec:
    """The grid of a bag's tiles, with the pixels of a picture."""
    try:
        metadata = bag.provenance()
        grid = GridSpec.model_validate({"tile_px": metadata["tile_px"], "tile_um": metadata["tile_um"]})
    except (KeyError, ValidationError, SafetensorError) as error:
        raise BadEmbeddingsError("the embeddings do not say how large a tile is") from error
    return grid.model_copy(update={"tile_px": min(grid.tile_px, _PX)})


def _origins(examples: Sequence[TileExample]) -> np.ndarray[Any, np.dtype[np.int32]]:
    if any(example.x is None for example in examples):
        raise BadEmbeddingsError("the embeddings do not say where the tile lies")
    return np.array([(example.x, example.y) for example in examples], np.int32)


def _drawn(tiles: Tiles, grid: GridSpec) -> list[Picture]:
    return [
        Picture(why="the tile cannot be decoded")
        if corrupt
        else Picture(data_uri(rgb_jpeg(pixels), "image/jpeg"), grid.tile_um)
        for pixels, corrupt in zip(tiles.pixels, tiles.corrupt, strict=True)
    ]
