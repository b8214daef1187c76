"""Features of an encoder that another tool calls otherwise fit the folder that was made from its recipe."""

from pathlib import Path

import pytest

from services.embedder.conversion import Conversion, Parity, Terms
from services.embedder.manifest import MANIFEST_FILE
from services.standalone.encoders.recipe import load_recipe, recipe_names
from services.standalone.features.named_encoder import stated_encoder
from services.standalone.features.stated import Stated
from tests.support.feature_files import MPP, SHIPPED, import_here, trident


def encoder_folder(folder: Path, network: str) -> Path:
    """The manifest of an encoder called uni that was made from a network."""
    conversion = Conversion(
        network=network,
        pooling="class_token",
        interpolation="bilinear",
        precision="float32",
        opset=18,
        terms=Terms(name="CC0-1.0", commercial=True),
        use="research",
        acknowledged=False,
        parity=Parity(reference="torch", tiles=1, largest_difference=0, share_of_norm=0, cosine=1),
    )
    folder.mkdir()
    manifest = SHIPPED.model_copy(update={"name": "uni", "dim": 8, "conversion": conversion})
    (folder / MANIFEST_FILE).write_text(manifest.model_dump_json())
    return folder


@pytest.mark.parametrize(("network", "imported"), [("timm vit_large_patch16_224", 1), ("timm resnet18", 0)])
def test_a_name_of_another_tool_fits_the_encoder_of_that_recipe_alone(
    tmp_path: Path, network: str, imported: int
) -> None:
    trident(encoder="uni_v1").write(tmp_path / "in/A.h5")
    encoder = stated_encoder(str(encoder_folder(tmp_path / "uni", network)), None)
    done = import_here(tmp_path / "in", tmp_path / "emb", Stated(encoder, mpp=MPP))
    assert (done.tables.embedded, [item.error.reason for item in done.refused]) == (
        imported,
        ["encoder_mismatch"] * (1 - imported),
    )


def test_no_two_recipes_have_the_same_name_elsewhere() -> None:
    names = [name for recipe in map(load_recipe, recipe_names()) for name in (recipe.name, *recipe.aliases)]
    assert len(set(names)) == len(names) > len(recipe_names())
