"""From what a user names to a recipe: one that ships, timm's, a file, a folder or a class of their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.standalone.encoders.errors import BadNetworkError
from services.standalone.encoders.licence import terms_named
from services.standalone.encoders.recipe import Pooling, Recipe, load_recipe, recipe_names
from services.tiler.grid import GridSpec
from shared.json_objects import JsonObjectError, read_object

_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_GRID = GridSpec()
_PIXELS = {"tile_px": _GRID.tile_px, "tile_um": _GRID.tile_um, "interpolation": "bilinear", **_IMAGENET}
"""Of networks that say nothing else."""
_INTERPOLATIONS = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of filters, which preprocessor_config.json holds."""
_TIMM_WEIGHTS = "https://huggingface.co/timm"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_MOST_NAMES = 100_000
"""Of one object of a configuration, which may name tens of thousands of classes."""

Facts = dict[str, Any]
"""Fields of a recipe that a source states."""


@dataclass(frozen=True)
class Stated:
    """What a user states; it goes before what the source states."""

    fields: Facts = field(default_factory=dict)
    """Of the recipe itself, without those that were left out."""
    pixels: Facts = field(default_factory=dict)
    licence: str | None = None
    pooling: Pooling | None = None

    @property
    def of_recipe(self) -> Facts:
        """Fields of the recipe that were stated."""
        terms = {"terms": terms_named(self.licence).model_dump()} if self.licence else {}
        return self.fields | terms | ({"pooling": self.pooling} if self.pooling else {})


def recipe_of(source: str, stated: Stated) -> Recipe:
    """The recipe of a source: a name of `medulla encoder list`, timm:NAME, module:PATH.CLASS, a folder, .pt or .onnx.

    Raises:
        UnknownEncoderError, BadNetworkError: there is no such source, or facts are missing.
    """
    facts = load_recipe(source).model_dump(exclude_none=True) if source in recipe_names() else _facts(source)
    pixels = _PIXELS | facts.get("pixels", {}) | stated.pixels
    merged = {"title": source, **facts, **stated.of_recipe, "pixels": pixels}
    for name, option in {"name": "--name", "terms": "--licence"}.items():
        if name not in merged:
            raise BadNetworkError(f"{source} does not state its {option.removeprefix('--')}; give {option}")
    try:
        return Recipe.model_validate(merged)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise BadNetworkError(f"{source} makes no recipe: {place}: {problem['msg']}") from error


def own_weights(recipe: Recipe) -> Path | None:
    """File of weights in the folder of a recipe that is one.

    Raises:
        BadNetworkError: the folder has none.
    """
    if recipe.architecture.kind != "folder":
        return None
    folder = Path(recipe.architecture.name)
    for name in _WEIGHTS:
        if (folder / name).exists():
            return folder / name
    raise BadNetworkError(f"{folder} has neither {' nor '.join(_WEIGHTS)}")


def _facts(source: str) -> Facts:
    for start, read in _PREFIXES.items():
        if source.startswith(start):
            return read(source.removeprefix(start))
    path = Path(source)
    if path.is_dir():
        return _of_folder(path)
    if path.suffix in _SUFFIXES and path.is_file():
        return _of_file(path, _SUFFIXES[path.suffix])
    raise BadNetworkError(
        f"{source} is no recipe, timm:NAME, module:PATH.CLASS, folder of Hugging Face, .pt or .onnx file"
    )


def _of_timm(name: str) -> Facts:
    from timm.models import get_pretrained_cfg, is_model

    if not is_model(name):
        raise BadNetworkError(f"timm has no network {name}")
    config = get_pretrained_cfg(name)
    return {
        "name": name,
        "architecture": {"kind": "timm", "name": name, "arguments": {"num_classes": 0}},
        **(_of_config(vars(config)) if config else {"pixels": {"input_px": 224}}),
    }


def _of_module(name: str) -> Facts:
    return {"architecture": {"kind": "module", "name": name}, "pixels": {"input_px": 224}}


def _of_file(path: Path, kind: str) -> Facts:
    return {"architecture": {"kind": kind, "name": str(path)}, "pixels": {} if kind == "onnx" else {"input_px": 224}}


def _of_folder(path: Path) -> Facts:
    """What the configuration files of a folder state; their `auto_map` of code is left alone."""
    config = _json(path / "config.json")
    facts: Facts = {"architecture": {"kind": "folder", "name": str(path)}}
    if "architecture" in config:
        return facts | _of_config(config.get("pretrained_cfg", {}))
    processor = _json(path / "preprocessor_config.json", missing={})
    stated = {
        "input_px": config.get("image_size", 224),
        "mean": processor.get("image_mean"),
        "std": processor.get("image_std"),
        "interpolation": _INTERPOLATIONS.get(processor.get("resample", 2)),
    }
    pixels = {name: value for name, value in stated.items() if value is not None}
    return facts | {"pixels": pixels, "pooling": "class_token"}


def _of_config(config: Mapping[str, Any]) -> Facts:
    """What timm's configuration of weights states."""
    pixels = {name: config[name] for name in ("mean", "std", "interpolation") if config.get(name)}
    facts: Facts = {"pixels": {**pixels, "input_px": config.get("input_size", (3, 224, 224))[1]}}
    if isinstance(config.get("classifier"), str):
        unused = [f"{config['classifier']}."]
        facts["weights"] = {"url": _TIMM_WEIGHTS, "file": "model.safetensors", "unused": unused}
    if config.get("license"):
        facts["terms"] = terms_named(config["license"]).model_dump()
    return facts


def _json(path: Path, missing: Facts | None = None) -> Facts:
    if missing is not None and not path.exists():
        return missing
    try:
        return read_object(path.read_bytes(), _MOST_NAMES)
    except OSError as error:
        raise BadNetworkError(f"{path} cannot be read: {error.strerror}") from error
    except JsonObjectError as error:
        raise BadNetworkError(f"{path} {error}") from error


_PREFIXES: Mapping[str, Callable[[str], Facts]] = {"timm:": _of_timm, "module:": _of_module}
_SUFFIXES = {".onnx": "onnx", ".pt": "torchscript"}
