"""The recipes of encoders as lines for the terminal, and what this machine can do with them."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from services.standalone.encoders.licence import restrictions_of
from services.standalone.encoders.recipe import Pixels, Recipe
from shared.missing_library import installer

_NEEDED = ("torch", "timm", "transformers", "onnxscript")


def missing_libraries() -> list[str]:
    """Libraries that exporting a network of torch needs and that are not installed."""
    return [name for name in _NEEDED if find_spec(name) is None]


def recipe_facts(recipe: Recipe) -> dict[str, Any]:
    """A recipe for programs, with what it needs here."""
    return recipe.model_dump(mode="json", exclude_none=True) | {"missing_libraries": missing_libraries()}


def recipe_lines(recipes: Iterable[Recipe]) -> list[str]:
    """One block of lines a recipe, and what is missing here."""
    last = _lacking("None") or "All can be exported here: `medulla encoder export NAME --weights FILE --out DIR`."
    return [line for recipe in recipes for line in _lines(recipe)] + [last]


def recipe_details(recipe: Recipe) -> list[str]:
    """All of one recipe, and how an encoder is made by it."""
    file = recipe.weights.file if recipe.weights else "FILE"
    terms = " --acknowledge-licence" if restrictions_of(recipe.terms, "research") else ""
    export = f"`medulla encoder export {recipe.name} --weights {file}{terms} --out DIR` makes the encoder."
    cite = [f"  cite     {recipe.citation}"] if recipe.citation else []
    note = [f"  note     {recipe.terms.note}"] if recipe.terms.note else []
    return [
        *_lines(recipe),
        *note,
        f"  network  {recipe.architecture.network}",
        f"  pixels   {_pixels(recipe.pixels)}",
        *cite,
        f"A recipe, no encoder yet. {_lacking('It') or export}",
    ]


def _lacking(subject: str) -> str:
    """What keeps recipes from being exported here; empty where nothing does."""
    missing = missing_libraries()
    if not missing:
        return ""
    verb = "can be" if subject == "None" else "cannot be"
    return f"{subject} {verb} exported here: {', '.join(missing)} not installed; {installer(missing[0])} brings them."


def _pixels(pixels: Pixels) -> str:
    """Resize, crop and normalisation."""
    resized = f"resized to {pixels.resize_px or pixels.input_px} px ({pixels.interpolation})"
    crop = f", centre of {pixels.input_px} px" if pixels.resize_px else ""
    mean, std = (" ".join(f"{value:g}" for value in values) for values in (pixels.mean, pixels.std))
    return f"{resized}{crop}; mean {mean}, standard deviation {std}, of 0 to 1"


def _lines(recipe: Recipe) -> Iterator[str]:
    pixels, terms = recipe.pixels, recipe.terms
    yield f"{recipe.name}  {recipe.title}"
    yield (
        f"  tiles    {pixels.tile_px} px, {pixels.tile_um:g} um ({pixels.tile_um / pixels.tile_px:g} um/px); "
        f"the network takes {pixels.input_px} px; {recipe.dim} features ({recipe.pooling.replace('_', ' ')})"
    )
    conditions = {
        "no commercial use": not terms.commercial,
        "no changed copies": not terms.derivatives,
        "access on request": terms.gated,
    }
    stated = ", ".join(condition for condition, holds in conditions.items() if holds) or "commercial use allowed"
    yield f"  licence  {terms.name}: {stated}"
    if recipe.weights:
        yield f"  weights  {recipe.weights.file} from {recipe.weights.url}"
