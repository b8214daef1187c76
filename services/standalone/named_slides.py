"""The slides that a command line names, and what is printed of the refused ones."""

from collections.abc import Sequence
from pathlib import Path

import typer

from services.standalone.advice import explain_here
from services.standalone.console import complain
from services.standalone.errors import located
from services.standalone.pipeline_options import Options
from services.standalone.selection import Item, Refused, parted, select


def named_slides(paths: Sequence[Path] | None, table: Path | None, case_id: str | None = None) -> list[Item]:
    """Slides and refusals of all arguments and of the table.

    Raises:
        typer.BadParameter: there are neither arguments nor a table.
    """
    if not (paths or table):
        raise typer.BadParameter("name slides or folders, or a table with --slides")
    return select(paths or (), table, case_id)


def options_for(items: Sequence[Item], encoder: Path, default_mpp: float | None) -> Options:
    """Options of the pipeline, with the resolutions that a table states."""
    stated = {f"{slide.case_id}/{slide.slide_id}": slide.mpp for slide in parted(items)[0] if slide.mpp is not None}
    return Options(encoder, default_mpp, slide_mpp=stated)


def print_refused(item: Refused) -> None:
    """A line on standard error about a slide or vector that is left out."""
    complain(f"left out: {explain_here(located(item.error, item.path))}")
