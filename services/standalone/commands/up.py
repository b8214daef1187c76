"""`medulla up`: the address of the page, then everything that the services refuse."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.commands.options import (
    AsJson,
    DefaultMpp,
    DespiteReservations,
    Encoder,
    MapFile,
    Slides,
    SlideTable,
)
from services.standalone.console import exit_codes, loading, print_json, say
from shared.exit_codes import OK
from shared.notice import NOTICE


def up(
    paths: Slides = None,
    slides: SlideTable = None,
    watch: Annotated[Path, typer.Option(help="Folder that serves as bucket.")] = Path("out/laptop"),
    port: Annotated[int, typer.Option(help="Port of the page on 127.0.0.1.", min=1, max=65535)] = 8080,
    columns: MapFile = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a model bundle to promote.",
            show_default="the folder's promoted one, else the SIMULATED demo's",
        ),
    ] = None,
    despite_reservations: DespiteReservations = False,
    encoder: Encoder = DEFAULT_ENCODER,
    default_mpp: DefaultMpp = None,
    as_json: AsJson = False,
) -> None:
    """Run all services in one process: a folder as bucket, SQLite, the web page; Ctrl-C ends it."""
    with loading():
        from services.standalone import laptop
        from services.standalone.mapped_records import record_reader
        from services.standalone.named_slides import named_slides, options_for, print_refused
    with exit_codes(goes_on=True, stopped_code=OK):
        read = record_reader(columns)
        deployment = laptop.Deployment(watch, port, bundle, read, despite_reservations=despite_reservations)
        items = named_slides(paths, slides) if paths or slides else []
        for item in laptop.link(watch, items):
            print_refused(item)
        announce = partial(_announce, deployment.url, watch, as_json=as_json)
        raise typer.Exit(laptop.serve(deployment, options_for(items, encoder, default_mpp), announce))


def _announce(url: str, folder: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": url, "folder": str(folder), "notice": NOTICE})
    else:
        say(
            f"Medulla on {url}. {NOTICE}\n"
            f"Put slides in {folder}/slides/CASE/, records in {folder}/clinical/, vectors in {folder}/vectors/CASE/."
        )
