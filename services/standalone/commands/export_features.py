"""`medulla export-features`: how many slides were written as feature files of another tool."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.feature_options import Mpp
from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, progress, say
from services.standalone.features.tool import Tool
from shared.exit_codes import AT_FAULT
from shared.words import counted


def export_features(
    embeddings: Annotated[
        Path, typer.Argument(metavar="EMB", help="Folder with index.csv, as `medulla embed` or `import` writes it.")
    ],
    tool: Annotated[Tool, typer.Option("--as", help="Program whose files to write.")],
    out: Annotated[Path, typer.Option(help="Folder for the feature files and slides.csv.")],
    mpp: Mpp = None,
    as_json: AsJson = False,
) -> None:
    """Write bags as feature files of TRIDENT, CLAM or STAMP, with the table by which `medulla import` reads them."""
    with loading():
        from services.standalone.features.exports import export_features as run
        from services.standalone.grouped_refusals import print_grouped
    with exit_codes(), progress("slides") as advance:
        done = run(embeddings, tool, out, mpp, advance)
    if as_json:
        print_json({"written": len(done.written), "refused": len(done.refused), "slides": str(done.table)})
    else:
        say(f"{counted(len(done.written), 'slide')} written, listed in {done.table}; {len(done.refused)} left out")
    print_grouped(done.refused)
    if done.refused:
        raise typer.Exit(AT_FAULT)
