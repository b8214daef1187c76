"""What a user names becomes a recipe, and what is missing is asked for."""

from pathlib import Path

import pytest

from services.embedder.conversion import Use
from services.embedder.errors import UnknownEncoderError
from services.standalone.encoders.errors import BadNetworkError
from services.standalone.encoders.licence import restrictions_of, terms_named
from services.standalone.encoders.recipe import load_recipe
from services.standalone.encoders.sources import Stated, recipe_of


def test_a_recipe_is_taken_as_it_is_and_what_is_stated_goes_before_it() -> None:
    assert recipe_of("uni", Stated()) == load_recipe("uni")
    stated = recipe_of("uni", Stated({"name": "mine"}, {"tile_px": 224, "tile_um": 112.0}, "MIT", "patch_mean"))
    assert (stated.name, stated.pixels.tile_px, stated.terms.name, stated.pooling) == ("mine", 224, "MIT", "patch_mean")


def test_timm_states_its_pixels_and_licence() -> None:
    recipe = recipe_of("timm:tf_efficientnet_lite0", Stated())
    assert (recipe.name, recipe.pixels.mean, recipe.pixels.interpolation) == (
        "tf_efficientnet_lite0",
        (0.5, 0.5, 0.5),
        "bicubic",
    )
    assert recipe.terms.name == "apache-2.0"
    assert recipe.weights is not None
    assert recipe.weights.unused == ("classifier.",)


@pytest.mark.parametrize(
    ("source", "stated", "sentence"),
    [
        ("nothing", Stated(), "nothing is no recipe"),
        ("timm:nothing", Stated(), "timm has no network nothing"),
        ("module:nets.Vit", Stated({"name": "own"}), "give --licence"),
        ("module:nets.Vit", Stated(licence="MIT"), "give --name"),
        ("uni", Stated({"name": "a b"}), "name: String should match"),
    ],
)
def test_what_makes_no_recipe_is_refused_with_what_is_missing(source: str, stated: Stated, sentence: str) -> None:
    with pytest.raises(BadNetworkError, match=sentence):
        recipe_of(source, stated)


@pytest.mark.parametrize(("text", "sentence"), [("[1]", "no JSON object"), ("", "is empty"), ("{", "JSON")])
def test_a_folder_whose_configuration_is_no_object_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(BadNetworkError, match=rf"config\.json .*{sentence}"):
        recipe_of(str(tmp_path), Stated({"name": "own"}, licence="MIT"))


def test_a_recipe_that_does_not_ship_is_refused() -> None:
    with pytest.raises(UnknownEncoderError, match="there are conch, "):
        load_recipe("nothing")


@pytest.mark.parametrize(
    ("licence", "use", "count"),
    [
        ("MIT", "commercial", 0),
        ("CC-BY-NC-4.0", "research", 0),
        ("CC-BY-NC-4.0", "commercial", 1),
        ("cc-by-nc-nd-4.0", "commercial", 2),
        ("Owkin non-commercial", "commercial", 1),
    ],
)
def test_a_licences_name_says_what_it_forbids(licence: str, use: Use, count: int) -> None:
    assert len(restrictions_of(terms_named(licence), use)) == count
