"""`medulla tiles`: labelled tiles from QuPath's annotations, and how many of each class."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.commands.options import AsJson, CaseName, DefaultMpp, Encoder, Slides, SlideTable
from services.standalone.console import complain, exit_codes, loading, print_json, progress, say
from services.standalone.pipeline_options import Options
from shared.exit_codes import AT_FAULT

if TYPE_CHECKING:
    from services.standalone.annotations.labelled_tiles import Labelled


def tiles(
    annotations: Annotated[
        Path, typer.Option(help="Folder of {slide}.geojson, or {case}/{slide}.geojson, as QuPath exports them.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for {class}/{case}__*.png, tiles.csv and failures.csv.")],
    paths: Slides = None,
    slides: SlideTable = None,
    case_id: CaseName = None,
    encoder: Encoder = DEFAULT_ENCODER,
    mpp: Annotated[
        float | None, typer.Option(help="Microns per pixel of a tile; else the encoder's.", min=0.05)
    ] = None,
    tile_px: Annotated[
        int | None, typer.Option(help="Side of a tile, pixels; else the encoder's.", min=32, max=1024)
    ] = None,
    share: Annotated[
        float, typer.Option(help="Share of a tile that its class covers, at least.", min=0.01, max=1)
    ] = 0.5,
    workers: Annotated[int, typer.Option(help="Slides worked on at once.", min=1)] = Options().workers,
    default_mpp: DefaultMpp = None,
    as_json: AsJson = False,
) -> None:
    """Cut labelled tiles from QuPath's annotations, for `finetune` and `classifier fit`; a second run resumes."""
    with loading():
        from services.embedder.manifest import read_manifest
        from services.standalone.annotations.labelled_tiles import TilesPlan, label_slides
        from services.standalone.annotations.tile_grid import tile_grid
        from services.standalone.named_slides import named_slides
    with exit_codes(goes_on=True), progress("slides") as advance:
        items = named_slides(paths, slides, case_id)
        plan = TilesPlan(tile_grid(read_manifest(encoder), mpp, tile_px), share, default_mpp, workers)
        labelled = label_slides(items, annotations, out, plan, advance)
    if as_json:
        print_json(asdict(labelled) | {"failures": str(labelled.failures)})
    else:
        _print_table(labelled, out)
    if labelled.failed or not labelled.classes:
        raise typer.Exit(AT_FAULT)


def _print_table(labelled: "Labelled", out: Path) -> None:
    from services.standalone.annotations.tile_lines import tile_lines

    say("\n".join(tile_lines(labelled, out)))
    for first, second in labelled.similar:
        complain(f"classes {first} and {second} differ only in their writing; give them one name in QuPath")
