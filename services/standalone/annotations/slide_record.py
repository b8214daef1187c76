"""What is known of one slide's labelled tiles: a record beside them, by which a second run finds or replaces them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from shared.canonical import canonical_json
from shared.files import put

_FOLDER = ".slides"
"""Beside the folders of classes; hidden, so that it is no class."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One labelled tile."""

    class_name: str
    x: int
    y: int
    """Corner, level-0 pixels."""
    share: float
    """Of the tile, within its class."""
    path: str
    """Of its picture, below the folder of tiles."""


@dataclass(frozen=True)
class SlideRecord:
    """The labelled tiles of a slide, and how many others were left out, by reason."""

    case_id: str
    slide_id: str
    slide_digest: str
    inputs_digest: str
    """Digest of slide, annotations and settings."""
    tiles: tuple[Tile, ...]
    left_out: dict[str, int]
    finished: bool
    """Whether every picture is written."""

    def write(self, out: Path) -> None:
        """Write or replace the record below the folder of tiles."""
        path = record_path(out, self.case_id, self.slide_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, canonical_json(asdict(self)))

    def remove(self, out: Path) -> None:
        """Remove the tiles, then the record."""
        for tile in self.tiles:
            (out / tile.path).unlink(missing_ok=True)
        record_path(out, self.case_id, self.slide_id).unlink(missing_ok=True)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The record of an earlier run; None without one, or if it is damaged."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None


def record_path(out: Path, case_id: str, slide_id: str) -> Path:
    """Where the record of a slide lies."""
    return out / _FOLDER / case_id / f"{slide_id}.json"


def records(out: Path) -> dict[Path, SlideRecord]:
    """All records below a folder of tiles, by path."""
    read = {path: SlideRecord.read(path) for path in sorted((out / _FOLDER).glob("*/*.json"))}
    return {path: record for path, record in read.items() if record is not None}
