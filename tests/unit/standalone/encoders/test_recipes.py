"""Every recipe that ships is built with random weights, exported, and gives the features of its torch network."""

from pathlib import Path

import pytest
import torch

from services.embedder.known_tile import check
from services.embedder.onnx_encoder import OnnxEncoder
from services.standalone.encoders.job import ExportJob
from services.standalone.encoders.networks import build_network
from services.standalone.encoders.pooling import Pooled
from services.standalone.encoders.recipe import load_recipe, recipe_names
from services.standalone.encoders.torch_export import export_encoder
from tests.support.recipes import one_block


def test_recipes_are_complete_and_named_as_their_files() -> None:
    recipes = [load_recipe(name) for name in recipe_names()]
    assert [recipe.name for recipe in recipes] == recipe_names()
    assert len(recipes) >= 14
    assert all(recipe.weights and recipe.dim and recipe.citation and recipe.terms.url for recipe in recipes)


@pytest.mark.parametrize("name", recipe_names())
def test_the_whole_network_gives_as_many_features_as_its_recipe_states(name: str) -> None:
    recipe = load_recipe(name)
    side = recipe.pixels.input_px or 0
    with torch.device("meta"):
        network = Pooled(build_network(recipe.architecture), recipe.pooling, recipe.prefix_tokens)
        assert network(torch.zeros(2, 3, side, side)).shape == (2, recipe.dim)


@pytest.mark.parametrize("name", recipe_names())
def test_the_exported_recipe_gives_the_features_of_torch(name: str, tmp_path: Path) -> None:
    recipe = one_block(name)
    manifest = export_encoder(ExportJob(recipe, tmp_path / name, "tests", random_seed=3))
    assert manifest.name == f"{name}-random3"
    assert (manifest.input_px, manifest.tile_um) == (recipe.pixels.tile_px, recipe.pixels.tile_um)
    assert manifest.conversion
    assert manifest.conversion.parity.share_of_norm < 1e-5
    check(OnnxEncoder(tmp_path / name))
