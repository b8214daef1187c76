"""Recipes cut to one narrow block, so that their networks are built, exported and run in seconds."""

from services.standalone.encoders.recipe import Architecture, Recipe, load_recipe

_ONE_BLOCK: dict[str, dict[str, int | list[int]]] = {
    "timm": {"depth": 1, "embed_dim": 96, "num_heads": 3},
    "transformers": {"num_hidden_layers": 1, "hidden_size": 96, "num_attention_heads": 3},
    "conch": {"depth": 1, "embed_dim": 96, "num_heads": 3},
    "ctranspath": {"depths": [1, 1, 1, 1], "embed_dim": 24, "num_heads": [1, 2, 4, 8]},
}
_CONVOLUTIONAL = {"resnet50", "efficientnet-lite0"}


def one_block(name: str) -> Recipe:
    """The recipe of an encoder with one narrow block in every stage; convolutional ones are small and stay whole."""
    recipe = load_recipe(name)
    return recipe if name in _CONVOLUTIONAL else cut(recipe, **_ONE_BLOCK[recipe.architecture.kind])


def cut(recipe: Recipe, **arguments: int | list[int]) -> Recipe:
    """A recipe with other arguments of its architecture."""
    old = recipe.architecture
    architecture = Architecture(kind=old.kind, name=old.name, arguments={**old.arguments, **arguments})
    return recipe.model_copy(update={"architecture": architecture})


def small_vit() -> Recipe:
    """UNI with two narrow blocks: 64 features of tiles of 32 px."""
    small = cut(load_recipe("uni"), depth=2, embed_dim=64, num_heads=4, img_size=32)
    pixels = small.pixels.model_copy(update={"tile_px": 40, "tile_um": 20.0, "input_px": 32})
    return small.model_copy(update={"pixels": pixels, "dim": 64, "name": "small-vit"})
