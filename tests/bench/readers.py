"""Our reader compared with openslide-python, tiffslide and its own limit on the same tiles of the same slides."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import openslide
from PIL import Image

from services.tiler.grid import GridSpec, lay
from services.tiler.ports import Cut, Origins, Rgb
from services.tiler.pyramid import best_level, resampled
from services.tiler.readers import open_slide
from shared.malloc import keep_memory
from shared.preprocessing import Preprocessing
from tests.bench import material
from tests.bench.decode_limit import StoredTiles
from tests.bench.size import Size
from tests.bench.table import Row, Section
from tests.bench.timing import Work, interleaved, rates, tile_row

TOLERANCE = 2.0
"""Mean difference of a tile's grey levels that different JPEG decoders may make."""
_CACHE_BYTES = 96 * 2**20
"""What our reader takes for decoded tiles."""
_CHUNK = 21
"""Tiles that are read in one call, into the same memory, as the process of a slide does."""
_OURS, _OPENSLIDE, _ROOMY, _TIFFSLIDE = "ours", "openslide + cv2", "openslide, 96 MB cache, + cv2", "tiffslide + cv2"
_LIMIT = "the limit: each stored tile decoded once"
_RESAMPLED_LIMIT = "the limit, and each tile resampled"
_DCT, _DCT_LIMIT = "ours, dct", "the limit: each decoded once, as small"
_THREADS = 2

Read = Callable[[Path, "Positions"], Iterator[Rgb]]
"""Pixels of tiles, chunk by chunk, each valid until the next."""


class Slide(Protocol):
    """What openslide-python and tiffslide have in common."""

    def read_region(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Image.Image:
        """Pixels of a box whose corner is in level-0 pixels."""


class PixelsDifferError(Exception):
    """Alternatives do not read the same pixels, so comparing their speed would say nothing."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Which tiles are read, and how: `level` is the same for all alternatives."""

    origins: Origins
    cut: Cut
    level: int
    box: tuple[int, int]
    """Width and height of a tile in pixels of the level."""
    places: int
    """How many tiles the whole slide has."""

    @classmethod
    def of(cls, slide: Path, count: int) -> "Positions":
        """Tiles of the default grid from the middle of the slide on, row by row."""
        with open_slide(slide) as reader:
            facts = reader.describe()
        grid = lay(GridSpec(), facts)
        first = grid.rows // 2 * grid.columns
        level = best_level(facts.levels, grid.cut.width_px / grid.cut.px)
        shrink = facts.levels[level].downsample
        box = (round(grid.cut.width_px / shrink), round(grid.cut.height_px / shrink))
        return cls(grid.origins[first : first + count], grid.cut, level, box, len(grid.origins))

    def subset(self, half: slice) -> "Positions":
        """A subset of the positions."""
        return replace(self, origins=self.origins[half])

    def chunks(self) -> "Iterator[Positions]":
        """The positions that a stream reads at once."""
        return (self.subset(slice(start, start + _CHUNK)) for start in range(0, len(self.origins), _CHUNK))

    def made_by(self, preprocessing: Preprocessing) -> "Positions":
        """The same positions, their pixels made another way."""
        return replace(self, cut=replace(self.cut, preprocessing=preprocessing))


def _ours(slide: Path, positions: Positions) -> Iterator[Rgb]:
    out = np.empty((_CHUNK, positions.cut.px, positions.cut.px, 3), np.uint8)
    with open_slide(slide) as reader:
        for chunk in positions.chunks():
            yield reader.read_tiles(chunk.origins, chunk.cut, out[: len(chunk.origins)]).pixels


def _reduced(slide: Path, positions: Positions) -> Iterator[Rgb]:
    return _ours(slide, positions.made_by(Preprocessing.DCT))


def _openslide(slide: Path, positions: Positions) -> Iterator[Rgb]:
    with openslide.OpenSlide(slide) as handle:
        yield from (_tiles(handle, chunk) for chunk in positions.chunks())


def _roomy(slide: Path, positions: Positions) -> Iterator[Rgb]:
    with openslide.OpenSlide(slide) as handle:
        handle.set_cache(openslide.OpenSlideCache(_CACHE_BYTES))
        yield from (_tiles(handle, chunk) for chunk in positions.chunks())


def _tiff(slide: Path) -> Any:
    from tiffslide import TiffSlide  # noqa: PLC0415 - only `make bench` installs it

    return TiffSlide(slide)


def _tiffslide(slide: Path, positions: Positions) -> Iterator[Rgb]:
    with _tiff(slide) as handle:
        yield from (_tiles(handle, chunk) for chunk in positions.chunks())


def _tiles(handle: Slide, positions: Positions) -> Rgb:
    pixels = np.empty((len(positions.origins), positions.cut.px, positions.cut.px, 3), np.uint8)
    nearly = max(positions.box) <= 1.05 * positions.cut.px
    how = cv2.INTER_LINEAR if nearly else cv2.INTER_AREA
    for tile, (x, y) in zip(pixels, positions.origins.tolist(), strict=True):
        region = np.asarray(handle.read_region((x, y), positions.level, positions.box).convert("RGB"))
        cv2.resize(region, tile.shape[:2], dst=tile, interpolation=how)
    return pixels


_ALL: dict[str, Read] = {_OURS: _ours, _OPENSLIDE: _openslide, _ROOMY: _roomy, _TIFFSLIDE: _tiffslide}


def compare(size: Size, folder: Path) -> Section:
    """Compare on a plain pyramid and on Aperio slides of 20x and 40x, with memory as the reader's process has it.

    Raises:
        PixelsDifferError: an alternative reads other pixels.
    """
    slides = {
        "pyramid, 256 px stored": material.pyramid(folder / "pyramid.tiff", size.slide_copies),
        "Aperio 20x, 240 px stored": material.aperio(folder / "20x.svs", size.slide_copies),
        "Aperio 40x, 240 px stored": material.aperio(folder / "40x.svs", size.slide_copies, mpp="0.2495"),
    }
    keep_memory()
    rows, notes = [], []
    for name, slide in slides.items():
        measured, note = _one_slide(name, slide, size)
        rows += measured
        notes.append(note)
    rows += _two_threads("pyramid, 2 threads", slides["pyramid, 256 px stored"], size)
    rows += _opening(slides["Aperio 20x, 240 px stored"], size)
    return Section("Readers: tiles of 256 px at 0.5 um/px, one thread, row by row, opening included", rows, notes)


def _one_slide(name: str, slide: Path, size: Size) -> tuple[list[Row], str]:
    single = Positions.of(slide, 1)
    positions = Positions.of(slide, size.reader_tiles * single.cut.px**2 // (single.box[0] * single.box[1]))
    count = len(positions.origins)
    difference = largest_difference({name: _all_pixels(read(slide, positions)) for name, read in _ALL.items()})
    works = {name: _work(read, slide, positions) for name, read in (_ALL | {_DCT: _reduced}).items()}
    runs = interleaved(size.repeats, works | _limits(slide, positions))
    rows = [
        tile_row(name, count, runs[_OURS], other, runs[other])
        for other in (*_ALL, _LIMIT, _RESAMPLED_LIMIT)
        if other != _OURS
    ]
    rows += [tile_row(f"{name}, dct", count, runs[_DCT], other, runs[other]) for other in (_OPENSLIDE, _DCT_LIMIT)]
    note = f"{name}: {positions.places} tiles and {slide.stat().st_size / 1e6:.0f} MB, {count} timed"
    return rows, f"{note}; largest mean difference of a tile {difference:.2f} grey levels"


def largest_difference(pixels: dict[str, Rgb]) -> float:
    """Greatest mean difference, in grey levels, of any tile from ours.

    Raises:
        PixelsDifferError: it is more than decoders may differ.
    """
    ours = pixels[_OURS].astype(np.int16)
    largest = {name: float(np.abs(ours - other).mean(axis=(1, 2, 3)).max()) for name, other in pixels.items()}
    worst = max(largest, key=lambda name: largest[name])
    if largest[worst] > TOLERANCE:
        raise PixelsDifferError(f"{worst} reads other pixels: a tile differs by {largest[worst]:.1f} grey levels")
    return largest[worst]


def _all_pixels(chunks: Iterator[Rgb]) -> Rgb:
    return np.concatenate([pixels.copy() for pixels in chunks])


def _work(read: Read, slide: Path, positions: Positions) -> Work:
    return lambda: deque(read(slide, positions), maxlen=0)


def _limits(slide: Path, positions: Positions) -> dict[str, Work]:
    """Decoding alone, at full size and as DCT preprocessing does it, and what averaging over areas adds."""
    ways = {_LIMIT: positions, _DCT_LIMIT: positions.made_by(Preprocessing.DCT)}
    limits = {name: StoredTiles.under(slide, way.origins, way.cut).decode for name, way in ways.items()}
    region = np.zeros((positions.box[1], positions.box[0], 3), np.uint8)

    def resample_each() -> None:
        limits[_LIMIT]()
        for _ in positions.origins:
            resampled(region, positions.cut.px, positions.cut.px)

    return {**limits, _RESAMPLED_LIMIT: resample_each}


def _two_threads(name: str, slide: Path, size: Size) -> list[Row]:
    """One open slide shared by two threads, as the tiler does it."""
    positions = Positions.of(slide, 2 * size.reader_tiles)
    count = len(positions.origins)
    halves = [positions.subset(slice(0, count // 2)), positions.subset(slice(count // 2, None))]
    with ThreadPoolExecutor(_THREADS) as pool:
        works: dict[str, Work] = {
            _OURS: lambda: _shared_ours(pool, slide, halves),
            _ROOMY: lambda: _shared_openslide(pool, slide, halves),
        }
        runs = interleaved(size.repeats, works)
    return [tile_row(name, count, runs[_OURS], _ROOMY, runs[_ROOMY])]


def _shared_ours(pool: Executor, slide: Path, halves: Sequence[Positions]) -> None:
    with open_slide(slide) as reader:
        list(pool.map(lambda half: reader.read_tiles(half.origins, half.cut), halves))


def _shared_openslide(pool: Executor, slide: Path, halves: Sequence[Positions]) -> None:
    with openslide.OpenSlide(slide) as handle:
        handle.set_cache(openslide.OpenSlideCache(_CACHE_BYTES))
        list(pool.map(lambda half: _tiles(handle, half), halves))


def _opening(slide: Path, size: Size) -> list[Row]:
    """Milliseconds until the first pixel can be asked for: ours tries out its shortcut meanwhile."""
    works: dict[str, Work] = {
        _OURS: lambda: open_slide(slide).close(),
        _OPENSLIDE: lambda: openslide.OpenSlide(slide).close(),
        _TIFFSLIDE: lambda: _tiff(slide).close(),
    }
    runs = interleaved(size.repeats, works)
    times = {name: [1000 / rate for rate in rates(seconds, 1)] for name, seconds in runs.items()}
    return [Row("opening an Aperio slide", "ms", times[_OURS], name, times[name]) for name in (_OPENSLIDE, _TIFFSLIDE)]
