"""Labelled tiles and their features: rows of `tiles.csv` found in the bags of a cohort."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.trainer.cohort.embeddings import BagFile, Embeddings, Features
from services.trainer.cohort.rows import read_bytes, read_rows
from services.trainer.errors import BadTilesError, UnreadableTableError
from services.trainer.tile_classifier.slide_bags import SlideBags
from shared.arrays import Ints
from shared.canonical import sha256
from shared.words import counted

TILES = "tiles.csv"
ABOUT = "tiles.json"
COLUMNS = ("case_id", "slide_id", "slide_digest", "class", "x", "y", "share", "path")
Row = Mapping[str, str]


@dataclass(frozen=True)
class TileSize:
    """A tile in pixels and microns."""

    px: int
    um: float


@dataclass(frozen=True, eq=False)
class TileTable:
    """`tiles.csv`, and the size of its tiles."""

    rows: tuple[Row, ...]
    size: TileSize
    digest: str
    """SHA-256 of the table's bytes."""


@dataclass(frozen=True, eq=False)
class LabelledTiles:
    """Tiles [n] with features, class and patient."""

    features: Features
    """float32 [n, d]."""
    label: Ints
    """[n] index of the class."""
    classes: tuple[str, ...]
    patients: tuple[str, ...]
    """[n] case ids."""
    digest: str
    size: TileSize
    notes: tuple[str, ...]
    """What was left out."""


def read_tiles(folder: Path) -> TileTable:
    """Read the table of a folder that `medulla tiles` wrote.

    Raises:
        BadTilesError: it is missing or damaged.
    """
    path = folder / TILES
    try:
        data = read_bytes(path, str(path))
        header, *body = read_rows(data, str(path)).rows
        about = json.loads(read_bytes(folder / ABOUT, str(folder / ABOUT)))
        size = TileSize(int(about["grid"]["tile_px"]), float(about["grid"]["tile_um"]))
    except (UnreadableTableError, KeyError, TypeError, ValueError) as error:
        raise BadTilesError(f"{folder} is no folder of `medulla tiles`: {error}") from None
    if [cell.replace(" ", "_") for cell in header.cells] != list(COLUMNS):
        raise BadTilesError(f"{path} has other columns than {', '.join(COLUMNS)}")
    if not body or any(len(row.cells) != len(COLUMNS) for row in body):
        raise BadTilesError(f"{path} is empty or cut short")
    return TileTable(tuple(dict(zip(COLUMNS, row.cells, strict=True)) for row in body), size, sha256(data))


def labelled_tiles(table: TileTable, embeddings: Embeddings) -> LabelledTiles:
    """Find the tiles of a table in the bags of their slides; a tile or slide that is not embedded is left out.

    Raises:
        BadTilesError: no tile is embedded, or tiles were embedded at another size.
        BadEmbeddingsError: a bag does not say where its tiles lie.
    """
    by_slide: dict[tuple[str, str, str], list[Row]] = {}
    for row in table.rows:
        by_slide.setdefault((row["case_id"], row["slide_id"], row["slide_digest"]), []).append(row)
    slide_bags = SlideBags.of(embeddings)
    bags = {slide: bag for slide in by_slide if (bag := slide_bags.find(*slide))}
    embedded = [item for slide, bag in bags.items() for item in _embedded(by_slide[slide], bag, table.size)]
    if not embedded:
        raise _none_embedded(len(table.rows), len(bags), embeddings.folder)
    rows, features = zip(*embedded, strict=True)
    classes = tuple(sorted({row["class"] for row in rows}))
    label = np.array([classes.index(row["class"]) for row in rows], np.int64)
    patients = tuple(row["case_id"] for row in rows)
    notes = _notes(table, len(rows), len(by_slide) - len(bags))
    return LabelledTiles(np.stack(features), label, classes, patients, table.digest, table.size, notes)


def _none_embedded(tiles: int, slides: int, folder: Path) -> BadTilesError:
    where = f"{counted(slides, 'slide')} of them lie there, cut elsewhere" if slides else "none of their slides does"
    error = BadTilesError(f"none of the {tiles} labelled tiles is in the embeddings {folder}: {where}")
    error.advice = (
        "Give the embeddings of the same cases and slides; where another tool cut them elsewhere, `medulla embed` them."
    )
    return error


def _embedded(rows: Sequence[Row], bag: BagFile, size: TileSize) -> list[tuple[Row, Features]]:
    """The rows of one slide that its bag has, with their features."""
    if bag.tile_size() != (size.px, size.um):
        px, um = bag.tile_size()
        raise BadTilesError(
            f"tiles are {size.px} px of {size.um:g} um, and those of bag {bag.path} {px} px of {um:g} um; "
            "cut them with the encoder that embedded the slides"
        )
    places = {(int(x), int(y)): at for at, (x, y) in enumerate(bag.origins())}
    chosen = [(row, places[at]) for row in rows if (at := (_whole(row["x"]), _whole(row["y"]))) in places]
    features = np.asarray(bag.rows()[[place for _, place in chosen]], np.float32)
    return [(row, values) for (row, _), values in zip(chosen, features, strict=True)]


def _whole(cell: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise BadTilesError(f"{TILES} has the corner {cell}, allowed is a whole number of pixels") from None


def _notes(table: TileTable, tiles: int, slides: int) -> tuple[str, ...]:
    missing = len(table.rows) - tiles
    of_slides = f", {counted(slides, 'slide')} of them whole" if slides else ""
    return (f"{counted(missing, 'labelled tile')} left out that the embeddings do not have{of_slides}",) * bool(missing)
