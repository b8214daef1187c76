"""`medulla embed`: how many slides were embedded and refused, and the tables that list them."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.commands.options import AsJson, CaseName, DefaultMpp, Encoder, Slides, SlideTable
from services.standalone.console import complain, exit_codes, loading, print_json, progress, say
from services.standalone.pipeline_options import Options
from shared.exit_codes import AT_FAULT
from shared.words import counted


def embed(
    out: Annotated[Path, typer.Option(help="Folder for embeddings, index.csv and failures.csv.")],
    paths: Slides = None,
    slides: SlideTable = None,
    case_id: CaseName = None,
    encoder: Encoder = DEFAULT_ENCODER,
    workers: Annotated[int, typer.Option(help="Slides worked on at once.", min=1)] = Options().workers,
    default_mpp: DefaultMpp = None,
    as_json: AsJson = False,
) -> None:
    """Plan and embed slides; goes on past bad ones, and a second run resumes."""
    with loading():
        from services.standalone.embedded_slides import embed_slides
        from services.standalone.embedding_tables import SWAP_ADVICE
        from services.standalone.named_slides import named_slides, options_for
        from shared.slides.embedded import IN_TWO_CASES
    with exit_codes(goes_on=True), progress("slides") as advance:
        items = named_slides(paths, slides, case_id)
        tables = embed_slides(items, out, replace(options_for(items, encoder, default_mpp), workers=workers), advance)
    if as_json:
        print_json({"embedded": tables.embedded, "failed": tables.failed, "index": str(tables.index)})
    else:
        listed = f"{counted(tables.embedded, 'slide')} embedded, listed in {tables.index}"
        say(f"{listed}; {tables.failed} refused, see {tables.failures}")
    for sentence in tables.swaps:
        complain(f"{sentence} [{IN_TWO_CASES}]. {SWAP_ADVICE}")
    if tables.failed:
        raise typer.Exit(AT_FAULT)
