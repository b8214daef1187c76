"""Options of `medulla import` and `medulla export-features`."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.features.tool import Tool, Unit

_SMALLEST = 0.001

FeatureFiles = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="DIR|H5",
        help="Feature files, or folders of them; {case}/FILE.h5 names the case.",
        show_default=False,
    ),
]
EncoderName = Annotated[
    str,
    typer.Option("--encoder", help="Name of the encoder of the features, or the folder of one of `medulla encoder`."),
]
FeatureTable = Annotated[
    Path | None,
    typer.Option(
        "--slides",
        metavar="CSV",
        help="Table: case_id, path (of the slide or of its features); may have slide_id, mpp (um/px). With --case-from "
        "TRIDENT's list of slides, too.",
    ),
]
CaseFrom = Annotated[
    str | None,
    typer.Option(metavar="REGEX", help="What in a file's name is its case: the first group, or the whole match."),
]
WrittenBy = Annotated[
    Tool | None, typer.Option("--from", help="Program that wrote the files.", show_default="by content")
]
TilePx = Annotated[int | None, typer.Option(help="Side of a tile in pixels, as it was cut.", min=1)]
TileUm = Annotated[float | None, typer.Option(help="Side of a tile in microns.", min=_SMALLEST)]
Mpp = Annotated[
    float | None,
    typer.Option(help="Microns per pixel, level 0, of slides of which neither file nor table says it.", min=_SMALLEST),
]
Coords = Annotated[
    Unit | None,
    typer.Option(
        help="What coordinates count: pixels of level 0, microns, or pixels of the tile's resolution.",
        show_default="what the file says",
    ),
]
Patches = Annotated[
    Path | None,
    typer.Option(
        help="Folder of CLAM's or TRIDENT's patches, which say how large the tiles are.",
        exists=True,
        file_okay=False,
    ),
]
Dim = Annotated[int | None, typer.Option(help="Features a tile.", min=1, show_default="those of the first file")]
