"""`medulla encoder …`: lists recipes, shows encoders, and makes one from a network."""

import logging
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, progress, say
from shared.preprocessing import Preprocessing

if TYPE_CHECKING:
    from services.embedder.manifest import EncoderManifest
    from services.standalone.encoders.job import ExportJob

app = typer.Typer(help="Encoders: list, show, export.", no_args_is_help=True)

_Channels = tuple[float, float, float]
_PREPROCESSING = "How the tiles of its training were made: averaged over areas, or JPEG decoded smaller."


class UseOption(StrEnum):
    """What the encoder is for."""

    RESEARCH = "research"
    COMMERCIAL = "commercial"


class PoolingOption(StrEnum):
    """How a tile's features come from what the network gives."""

    NETWORK = "network"
    CLASS_TOKEN = "class_token"  # noqa: S105 - a token of a transformer
    PATCH_MEAN = "patch_mean"
    CLASS_AND_PATCH_MEAN = "class_and_patch_mean"
    MAP_MEAN = "map_mean"


Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A name of `medulla encoder list`, timm:NAME, module:PATH.CLASS, a Hugging Face folder, .pt or .onnx.",
    ),
]
Out = Annotated[Path, typer.Option(help="Folder to write.")]
Weights = Annotated[
    Path | None, typer.Option(help="File of weights: .safetensors, or .pth and .bin with weights alone.", exists=True)
]
RandomSeed = Annotated[
    int | None, typer.Option("--random-weights", metavar="SEED", help="Draw the weights: to try things out.", min=0)
]
Float16 = Annotated[bool, typer.Option("--float16", help="Store the weights in half the size.")]
Script = Annotated[bool, typer.Option("--torchscript", help="Write encoder.pt too, for Triton's PyTorch back end.")]
Use = Annotated[UseOption, typer.Option(help="What it is for; licences may forbid it.")]
Acknowledged = Annotated[
    bool, typer.Option("--acknowledge-licence", help="The terms of the weights allow this; recorded in the manifest.")
]
Name = Annotated[str | None, typer.Option(help="Name of the encoder; else the recipe's or timm's.")]
Version = Annotated[str | None, typer.Option(help="Version of the encoder.", show_default="1.0.0")]
Origin = Annotated[
    str | None, typer.Option(help="Where the weights come from and what they were trained on; else SOURCE.")
]
Licence = Annotated[str | None, typer.Option(help="Licence of the weights; needed where SOURCE does not state it.")]
Citation = Annotated[str | None, typer.Option(help="What to cite.")]
Mean = Annotated[_Channels | None, typer.Option(help="Mean of each channel, 0 to 1.", show_default="ImageNet's")]
Std = Annotated[_Channels | None, typer.Option(help="Their standard deviation.", show_default="ImageNet's")]
InputPx = Annotated[int | None, typer.Option(help="Side that the network takes, pixels.", show_default="SOURCE's")]
TilePx = Annotated[int | None, typer.Option(help="Side of a tile in pixels.", show_default="SOURCE's, else 256")]
TileUm = Annotated[float | None, typer.Option(help="Side of a tile in microns.", show_default="SOURCE's, else 128")]
Pooling = Annotated[PoolingOption | None, typer.Option(help="What becomes the features.", show_default="SOURCE's")]
PrefixTokens = Annotated[int | None, typer.Option(help="Tokens before those of patches.", show_default="1", min=0)]


@app.command("list")
def list_recipes(as_json: AsJson = False) -> None:
    """List the encoders that Medulla has a recipe for: tiles, features, licence, and where their weights are."""
    with loading():
        from services.standalone.encoders.recipe import load_recipe, recipe_names
        from services.standalone.recipe_lines import recipe_facts, recipe_lines
    with exit_codes():
        recipes = [load_recipe(name) for name in recipe_names()]
    if as_json:
        print_json([recipe_facts(recipe) for recipe in recipes])
    else:
        say("\n".join(recipe_lines(recipes)))


@app.command("show")
def show_encoder(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="Folder of the encoder, or a name of `encoder list`.",
            show_default="the one that ships",
        ),
    ] = DEFAULT_ENCODER,
    as_json: AsJson = False,
) -> None:
    """Say what an encoder is, after checking its digest; of a recipe, what it makes and where its weights are."""
    with loading():
        from services.embedder.manifest import read_manifest, read_model
        from services.standalone.encoder_lines import encoder_lines
        from services.standalone.encoders.recipe import recipe_names
    if str(path) in recipe_names() and not path.exists():
        _show_recipe(str(path), as_json=as_json)
        return
    with exit_codes():
        manifest = read_manifest(path)
        read_model(path, manifest)
    if as_json:
        print_json(manifest.model_dump(mode="json"))
    else:
        say("\n".join(encoder_lines(manifest)))


def _show_recipe(name: str, *, as_json: bool) -> None:
    from services.standalone.encoders.recipe import load_recipe
    from services.standalone.recipe_lines import recipe_details, recipe_facts

    with exit_codes():
        recipe = load_recipe(name)
    if as_json:
        print_json(recipe_facts(recipe))
    else:
        say("\n".join(recipe_details(recipe)))


@app.command("export")
def export_encoder(
    source: Source,
    out: Out,
    weights: Weights = None,
    random_seed: RandomSeed = None,
    float16: Float16 = False,
    torchscript: Script = False,
    use: Use = UseOption.RESEARCH,
    acknowledged: Acknowledged = False,
    name: Name = None,
    version: Version = None,
    origin: Origin = None,
    licence: Licence = None,
    citation: Citation = None,
    mean: Mean = None,
    std: Std = None,
    input_px: InputPx = None,
    tile_px: TilePx = None,
    tile_um: TileUm = None,
    pooling: Pooling = None,
    prefix_tokens: PrefixTokens = None,
    preprocessing: Annotated[Preprocessing, typer.Option(help=_PREPROCESSING)] = Preprocessing.AREA,
    as_json: AsJson = False,
) -> None:
    """Make an encoder that takes uint8 tiles from a network; it is compared with the network before it is written."""
    logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)  # it misses kernels that are not used here
    with loading():
        from services.standalone.encoders.job import ExportJob
        from services.standalone.encoders.sources import Stated, recipe_of
    pixels = _stated(mean=mean, std=std, input_px=input_px, tile_px=tile_px, tile_um=tile_um)
    fields = _stated(name=name, version=version, citation=citation, prefix_tokens=prefix_tokens)
    with exit_codes():
        recipe = recipe_of(source, Stated(fields, pixels, licence, pooling.value if pooling else None))
        precision: Literal["float16", "float32"] = "float16" if float16 else "float32"
        job = ExportJob(recipe, out, origin or recipe.title, weights, random_seed, precision, torchscript)
        manifest = _export(replace(job, use=use.value, acknowledged=acknowledged, preprocessing=preprocessing))
    _print_exported(manifest, out, as_json=as_json)


def _export(job: "ExportJob") -> "EncoderManifest":
    """Export by the module for the source: ONNX networks need no torch."""
    if job.recipe.architecture.kind == "onnx":
        from services.standalone.encoders.onnx_export import export_encoder
    else:
        from services.standalone.encoders.torch_export import export_encoder
    with progress("steps") as advance:
        return export_encoder(job, advance)


def _print_exported(manifest: "EncoderManifest", out: Path, *, as_json: bool) -> None:
    from services.standalone.encoder_lines import conversion_lines

    if as_json:
        print_json(manifest.model_dump(mode="json"))
    else:
        head = f"{out}: encoder {manifest.name}, {manifest.dim} features, digest {manifest.digest}"
        say("\n".join([head, *conversion_lines(manifest.conversion)]))


def _stated(**values: Any) -> dict[str, Any]:
    """Options that were given."""
    return {name: value for name, value in values.items() if value is not None}
