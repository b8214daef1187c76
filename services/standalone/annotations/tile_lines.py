"""Labelled tiles in a few lines for a terminal."""

from pathlib import Path

from services.standalone.annotations.labelled_tiles import Labelled
from services.trainer.tile_classifier.labels import TILES
from shared.words import counted


def tile_lines(labelled: Labelled, out: Path) -> list[str]:
    """A table of classes, what was left out, and where the rest is listed."""
    total = sum(row.tiles for row in labelled.classes)
    width = max([len("class"), *(len(row.class_name) for row in labelled.classes)])
    head = f"{'class':{width}}  patients  slides   tiles"
    rows = [f"{row.class_name:{width}}  {row.patients:8}  {row.slides:6}  {row.tiles:6}" for row in labelled.classes]
    left_out = [f"left out: {count:,} {reason}" for reason, count in sorted(labelled.left_out.items())]
    where = f"{counted(total, 'tile')} of {counted(labelled.slides, 'slide')}, listed in {out / TILES}"
    bare = f"; {counted(labelled.not_annotated, 'slide')} without annotations" if labelled.not_annotated else ""
    refused = f"; {labelled.failed} refused" if labelled.failed else ""
    listed = f", see {labelled.failures}" if bare or refused else ""
    return [*([head, *rows] if rows else ["no tile has a class"]), *left_out, where + bare + refused + listed]
