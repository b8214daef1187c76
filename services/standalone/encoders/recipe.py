"""A recipe: architecture, pixels, pooling, terms and origin of an encoder that others have trained."""

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.embedder.conversion import Terms
from services.embedder.errors import UnknownEncoderError
from services.embedder.graph import Interpolation, Preparation, Triple
from services.embedder.manifest import EncoderManifest

RECIPES = Path(__file__).parent / "recipes"

Argument = bool | int | float | str | list[int]
Kind = Literal["timm", "transformers", "conch", "ctranspath", "folder", "torchscript", "module", "onnx"]
Pooling = Literal["network", "class_token", "patch_mean", "class_and_patch_mean", "map_mean"]
"""`network`: the network's own output [n, dim]; the others of its tokens [n, t, d] or its last map [n, d, h, w]."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Architecture(_Section):
    """What builds the network."""

    kind: Kind
    name: str = Field(min_length=1)
    """Name at timm, type of model at transformers, file, folder or Python path."""
    arguments: dict[str, Argument] = {}

    @property
    def network(self) -> str:
        """What a manifest says of it: kind and name, without folders of this machine."""
        return f"{self.kind} {Path(self.name).name}"


class Pixels(_Section):
    """The tiles that the network takes, and what is done to their pixels."""

    tile_px: int = Field(ge=32, le=4096)
    """Side of a tile as it is cut from the slide, pixels."""
    tile_um: float = Field(gt=0)
    """The same in microns."""
    input_px: int | None = Field(default=None, ge=8, le=4096)
    """Side that the network takes, pixels; None: an ONNX network states it."""
    resize_px: int | None = Field(default=None, ge=8, le=4096)
    """Side that a tile is resized to before its centre is cut out; None: `input_px`."""
    interpolation: Interpolation = "bilinear"
    mean: Triple
    std: Triple
    """Of each channel, 0 to 1."""

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        if self.resize_px and self.input_px and self.resize_px < self.input_px:
            raise ValueError("resize_px is smaller than input_px")
        return self

    @property
    def preparation(self) -> Preparation:
        """The same for pixels of 0 to 255."""
        mean, std = (_times_255(values) for values in (self.mean, self.std))
        return Preparation(mean, std, "nchw", self.input_px, resize_px=self.resize_px, interpolation=self.interpolation)


class WeightsFile(_Section):
    """The owner's file of weights."""

    url: str
    """Where the owner gives it."""
    file: str
    key: str | None = None
    """Entry of the file that holds the weights."""
    prefix: str = ""
    """Start of the names of the weights that are taken."""
    unused: tuple[str, ...] = ()
    """Starts of names, after the prefix, of weights that the encoder does not need."""


class Recipe(_Section):
    """How to make an encoder from a network."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,48}$")
    aliases: tuple[str, ...] = ()
    """What TRIDENT and STAMP call the encoder, where not the same but for case and punctuation."""
    title: str
    version: str = "1.0.0"
    architecture: Architecture
    pixels: Pixels
    pooling: Pooling = "network"
    prefix_tokens: int = Field(default=1, ge=0)
    """Class and register tokens in front of the patch tokens."""
    dim: int | None = Field(default=None, ge=1)
    terms: Terms
    citation: str | None = None
    weights: WeightsFile | None = None


def recipe_names() -> list[str]:
    """Names of the recipes that ship, in order."""
    return sorted(file.stem for file in RECIPES.glob("*.yaml"))


def load_recipe(name: str) -> Recipe:
    """Read a recipe that ships.

    Raises:
        UnknownEncoderError: there is none of this name, or it is not valid.
    """
    path = RECIPES / f"{name}.yaml"
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_bytes()))
    except FileNotFoundError:
        raise UnknownEncoderError(f"there is no recipe {name}; there are {', '.join(recipe_names())}") from None
    except (yaml.YAMLError, ValidationError) as error:
        raise UnknownEncoderError(f"recipe {path} is not valid: {error}") from error


def aliases_of(encoder: EncoderManifest) -> tuple[str, ...]:
    """What other tools call an encoder that was made from a recipe and has its name."""
    if encoder.conversion is None or encoder.name not in recipe_names():
        return ()
    recipe = load_recipe(encoder.name)
    return recipe.aliases if encoder.conversion.network == recipe.architecture.network else ()


def _times_255(values: Triple) -> Triple:
    red, green, blue = (255 * value for value in values)
    return red, green, blue
