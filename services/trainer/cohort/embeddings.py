"""The bags of a cohort's slides, found by index.csv and read from disk only when a step asks for them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from services.trainer.cohort.contents import Contents
from services.trainer.cohort.rows import read_bytes, read_rows
from services.trainer.errors import BadEmbeddingsError, UnreadableTableError
from shared.arrays import Ints
from shared.canonical import digest_of
from shared.random_weights import has_random_weights

Features = npt.NDArray[np.float32]

INDEX = "index.csv"
_COLUMNS = ("case_id", "slide_id", "slide_digest", "path")
_UNSTATED = {"encoder_name": "unknown", "encoder_digest": "0" * 64, "plan_digest": ""}
"""Provenance in the metadata of a bag, and what stands for it where the bag states none."""
_SHOWN = 40
_LARGEST_HEADER = 1 << 24


@dataclass(frozen=True, slots=True)
class BagFile:
    """One bag on disk: where its features [tiles, width] lie in the file."""

    case_id: str
    slide_id: str
    slide_digest: str
    path: Path
    offset: int
    tiles: int
    width: int
    encoder_name: str
    encoder_digest: str
    plan_digest: str
    """How the slide was cut into tiles; empty where the bag does not say."""

    def rows(self) -> npt.NDArray[np.float16]:
        """The features, mapped from the file."""
        if not self.tiles:
            return np.zeros((0, self.width), np.float16)
        return np.memmap(self.path, np.float16, "r", self.offset, (self.tiles, self.width))

    def origin(self, tile: int) -> dict[str, int]:
        """Level-0 x and y of the corner of one tile; empty where the bag does not state it."""
        with safe_open(self.path, "numpy") as file:
            if "coords" not in file.keys():  # noqa: SIM118 - it is no dictionary
                return {}
            x, y = file.get_slice("coords")[tile]
        return {"x": int(x), "y": int(y)}

    def origins(self) -> npt.NDArray[np.int32]:
        """Level-0 x and y of the corner of every tile, int32 [tiles, 2].

        Raises:
            BadEmbeddingsError: the bag does not state them.
        """
        try:
            with safe_open(self.path, "np") as file:
                coords = np.asarray(file.get_tensor("coords"), np.int32)
        except (OSError, SafetensorError) as error:
            raise BadEmbeddingsError(f"bag {self.path} does not say where its tiles lie: {error}") from error
        if coords.shape != (self.tiles, 2):
            raise BadEmbeddingsError(f"bag {self.path} has {self.tiles} tiles and places {list(coords.shape)}")
        return coords

    def tile_size(self) -> tuple[int, float]:
        """Side of a tile, pixels and microns.

        Raises:
            BadEmbeddingsError: the bag does not state them.
        """
        try:
            metadata = self.provenance()
            return int(metadata["tile_px"]), float(metadata["tile_um"])
        except (KeyError, ValueError, SafetensorError) as error:
            raise BadEmbeddingsError(f"bag {self.path} does not say how large its tiles are") from error

    def provenance(self) -> dict[str, str]:
        """Metadata of the bag, such as `tile_px` and `tile_um`."""
        with safe_open(self.path, "numpy") as file:
            return dict(file.metadata() or {})


@dataclass(frozen=True, eq=False)
class Spots:
    """Places of tiles on one slide."""

    slide_id: str
    slide_digest: str
    origins: npt.NDArray[np.int32]
    """[n, 2] x and y of upper left corners, level-0 pixels."""


@dataclass(frozen=True)
class Embeddings:
    """All bags of a cohort, by case."""

    folder: Path
    by_case: dict[str, tuple[BagFile, ...]]
    width: int
    encoder_name: str
    encoder_digest: str

    def tiles(self, case_id: str) -> int:
        """How many tiles all slides of a case have together."""
        return sum(bag.tiles for bag in self.by_case.get(case_id, ()))

    def bag(self, case_id: str, most: int | None = None) -> Features:
        """The tiles of a case's slides together, [n, width]; where there are more than `most`, evenly spaced ones.

        Raises:
            BadEmbeddingsError: a feature is not a finite number.
        """
        keep = self._kept(case_id, most)
        parts, start = [], 0
        for bag in self.by_case.get(case_id, ()):
            inside = keep[(keep >= start) & (keep < start + bag.tiles)] - start
            parts.append(_finite(bag, np.asarray(bag.rows()[inside], np.float32)))
            start += bag.tiles
        return np.concatenate(parts) if parts else np.zeros((0, self.width), np.float32)

    def tile(self, case_id: str, number: int, most: int | None = None) -> dict[str, str | int]:
        """Where tile `number` of `bag(case_id, most)` lies: slide and, where the bag has them, level-0 x and y."""
        place = int(self._kept(case_id, most)[number])
        for bag in self.by_case[case_id]:
            if place < bag.tiles:
                return {"case_id": case_id, "slide_id": bag.slide_id, **bag.origin(place)}
            place -= bag.tiles
        raise IndexError(f"{case_id} has no tile {number}")

    def _kept(self, case_id: str, most: int | None) -> Ints:
        total = self.tiles(case_id)
        if most is None or total <= most:
            return np.arange(total)
        return np.linspace(0, total - 1, most).astype(np.int64)

    def has(self, case_ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Of which cases [n] there is at least one tile."""
        return np.array([self.tiles(case) > 0 for case in case_ids], np.bool_)

    @cached_property
    def contents(self) -> dict[Path, Contents]:
        """Digests of what every bag holds; each file is read for them once, and other processes are handed them."""
        return {bag.path: Contents.of(bag.rows()) for bags in self.by_case.values() for bag in bags}

    @property
    def digest(self) -> str:
        """A name for which bags of which slides these are, and for what is in them."""
        bags = (bag for bags in self.by_case.values() for bag in bags)
        provenance = (
            (bag.case_id, bag.slide_digest, bag.plan_digest, bag.encoder_digest, self.contents[bag.path].digest)
            for bag in bags
        )
        return digest_of(sorted(provenance))


def read_embeddings(folder: Path) -> Embeddings:
    """Read `index.csv` and the header of every bag; a slide that a case lists twice counts once.

    Raises:
        BadEmbeddingsError: the index or a bag cannot be read, or the bags come from several encoders, or from one
            with random weights.
    """
    rows = {(row["case_id"], row["path"]): row for row in index_rows(folder)}
    bags = [open_bag(folder, row) for row in rows.values()]
    encoders = {(bag.encoder_name, bag.encoder_digest, bag.width) for bag in bags}
    if len(encoders) != 1:
        names = ", ".join(sorted(f"{name} {digest[:12]} ({width} features)" for name, digest, width in encoders))
        raise BadEmbeddingsError(f"{folder} holds {f'bags of several encoders: {names}' if bags else 'no bags'}")
    by_case: dict[str, tuple[BagFile, ...]] = {}
    for bag in sorted(bags, key=lambda item: (item.case_id, item.slide_digest)):
        by_case[bag.case_id] = (*by_case.get(bag.case_id, ()), bag)
    (name, digest, width) = encoders.pop()
    if has_random_weights(name):
        raise BadEmbeddingsError(f"{folder} was embedded by {name}, whose weights are random")
    return Embeddings(folder, by_case, width, name, digest)


def index_rows(folder: Path) -> list[dict[str, str]]:
    """Rows of `index.csv` by column name.

    Raises:
        BadEmbeddingsError: it cannot be read, or lacks a column.
    """
    index = folder / INDEX
    try:
        header, *body = read_rows(read_bytes(index, str(index)), str(index)).rows
    except UnreadableTableError as error:
        raise BadEmbeddingsError(str(error)) from error
    columns = [cell.replace(" ", "_") for cell in header.cells]
    lacking = [name for name in _COLUMNS if name not in columns]
    if lacking:
        raise BadEmbeddingsError(f"{index} lacks the column {lacking[0]}")
    ragged = [row.line for row in body if len(row.cells) != len(columns)]
    if ragged:
        raise BadEmbeddingsError(f"{index} is cut short or damaged: row {ragged[0]} has another number of cells")
    return [dict(zip(columns, row.cells, strict=True)) for row in body]


def open_bag(folder: Path, row: Mapping[str, str]) -> BagFile:
    """Read the header of the bag of one row of the index.

    Raises:
        BadEmbeddingsError: it cannot be read, or is no bag of features.
    """
    path = folder / row["path"]
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(size, _LARGEST_HEADER)))
        features, metadata = header["features"], header.get("__metadata__", {})
        tiles, width = features["shape"]
        begin, end = features["data_offsets"]
        kind = features["dtype"]
        whole = end - begin == 2 * tiles * width and path.stat().st_size >= 8 + size + end
    except OSError as error:
        raise BadEmbeddingsError(f"bag {path} of case {row['case_id']} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadEmbeddingsError(f"bag {path} of case {row['case_id']} is no bag of features") from error
    if kind != "F16":
        raise BadEmbeddingsError(f"features of bag {path} are {str(kind)[:_SHOWN]}, and F16 is read")
    if not whole:
        raise BadEmbeddingsError(f"bag {path} is cut short")
    provenance = [str(metadata.get(name, other)) for name, other in _UNSTATED.items()]
    return BagFile(
        row["case_id"], row["slide_id"], row["slide_digest"], path, 8 + size + begin, tiles, width, *provenance
    )


def _finite(bag: BagFile, rows: Features) -> Features:
    if not np.isfinite(rows).all():
        raise BadEmbeddingsError(f"bag {bag.path} of case {bag.case_id} holds features that are no finite numbers")
    return rows
