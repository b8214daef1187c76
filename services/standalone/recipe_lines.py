"""The recipes of encoders as a table for the terminal, and what this machine can do with them."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from services.standalone.encoders.recipe import Recipe
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
    missing = missing_libraries()
    if missing:
        last = f"None can be exported here: {', '.join(missing)} not installed; {installer(missing[0])} brings them."
    else:
        last = "All can be exported here: `medulla encoder export NAME --weights FILE --out DIR`."
    return [line for recipe in recipes for line in _lines(recipe)] + [last]


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
