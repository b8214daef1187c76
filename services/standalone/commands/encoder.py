"""`medulla encoder …`: shows encoders, and makes one from a network."""

from pathlib import Path
from typing import Annotated

import typer

from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, say
from shared.preprocessing import Preprocessing

app = typer.Typer(help="Encoders: show, export.", no_args_is_help=True)

_Channels = tuple[float, float, float]
_IMAGENET_MEAN: _Channels = (123.675, 116.28, 103.53)
_IMAGENET_STD: _Channels = (58.395, 57.12, 57.375)
"""Normalisation of networks trained on ImageNet with torchvision's recipe, times 255."""
_TILE_PX, _TILE_UM = 256, 128.0
"""As the tiler's grid has them, which is not loaded for its defaults alone."""
_PREPROCESSING = "How the tiles of its training were made: averaged over areas, or JPEG decoded smaller."


@app.command("show")
def show_encoder(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Folder of the encoder.", show_default="the one that ships")
    ] = DEFAULT_ENCODER,
    as_json: AsJson = False,
) -> None:
    """Say what an encoder is, after checking its digest."""
    with loading():
        from services.embedder.manifest import read_manifest, read_model
        from services.standalone.encoder_lines import encoder_lines
    with exit_codes():
        manifest = read_manifest(path)
        read_model(path, manifest)
    if as_json:
        print_json(manifest.model_dump(mode="json"))
    else:
        say("\n".join(encoder_lines(manifest)))


@app.command("export")
def export_encoder(
    weights: Annotated[Path, typer.Option(help="ONNX network, float images NCHW in, features \\[n, dim] out.")],
    name: Annotated[str, typer.Option(help="Name of the encoder.")],
    source: Annotated[str, typer.Option(help="Where the weights come from and what they were trained on.")],
    licence: Annotated[str, typer.Option(help="Licence of the weights.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    version: Annotated[str, typer.Option(help="Version of the encoder.")] = "1.0.0",
    mean: Annotated[_Channels, typer.Option(help="Mean of each channel, 0 to 255.")] = _IMAGENET_MEAN,
    std: Annotated[_Channels, typer.Option(help="Standard deviation of each channel, 0 to 255.")] = _IMAGENET_STD,
    tile_px: Annotated[int, typer.Option(help="Side of a tile in pixels.")] = _TILE_PX,
    tile_um: Annotated[float, typer.Option(help="Side of a tile in microns.")] = _TILE_UM,
    preprocessing: Annotated[Preprocessing, typer.Option(help=_PREPROCESSING)] = Preprocessing.AREA,
    as_json: AsJson = False,
) -> None:
    """Wrap a network so that it takes uint8 tiles: resize and normalisation go inside the graph."""
    with loading():
        from services.embedder.export import EncoderCard, wrap_encoder
        from services.embedder.graph import Preparation
    with exit_codes():
        notice = f"{name}: {source}. Licence: {licence}.\n"
        card = EncoderCard(name, version, source, licence, notice, tile_px, tile_um, preprocessing)
        manifest = wrap_encoder(weights, Preparation(mean=mean, std=std), card, out)
    if as_json:
        print_json(manifest.model_dump(mode="json"))
    else:
        say(f"{out}: encoder {manifest.name}, {manifest.dim} features, digest {manifest.digest}")
