"""A small transformer exported in each of the ways that are offered."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from services.embedder.errors import EncoderAlteredError
from services.embedder.manifest import DATA_FILE, file_digest, read_manifest
from services.embedder.onnx_encoder import OnnxEncoder
from services.standalone.encoders import onnx_model, parity, torch_export
from services.standalone.encoders.errors import BadNetworkError, DifferentFeaturesError, LicenceRefusedError
from services.standalone.encoders.job import ExportJob
from services.standalone.encoders.networks import build_network
from services.standalone.encoders.recipe import Recipe
from services.standalone.encoders.sources import Stated, recipe_of
from services.standalone.encoders.torch_export import export_encoder, torch_network
from services.standalone.encoders.weights import randomize
from tests.support.recipes import small_vit

TILES = np.random.default_rng(5).integers(0, 256, (3, 40, 40, 3), np.uint8)


def saved_weights(path: Path, seed: int = 2) -> Path:
    network = build_network(small_vit().architecture)
    randomize(network, seed)
    save_file(network.state_dict(), path)
    return path


def test_the_owners_weights_give_the_owners_features_once_the_terms_are_acknowledged(tmp_path: Path) -> None:
    recipe, weights = small_vit(), saved_weights(tmp_path / "model.safetensors")
    with pytest.raises(LicenceRefusedError, match=r"CC-BY-NC-ND-4.0 .* forbids sharing changed copies"):
        export_encoder(ExportJob(recipe, tmp_path / "out", "tests", weights))
    assert not (tmp_path / "out").exists()
    manifest = export_encoder(ExportJob(recipe, tmp_path / "out", "tests", weights, acknowledged=True))
    expected = torch_network(recipe, weights, None).embed(TILES)
    assert np.allclose(OnnxEncoder(tmp_path / "out").embed(TILES), expected, atol=1e-5)
    assert manifest.name == "small-vit"
    assert manifest.conversion is not None
    assert manifest.conversion.acknowledged
    assert manifest.conversion.weights_digest is not None
    assert str(recipe.citation) in (tmp_path / "out" / "NOTICE").read_text()


def test_the_file_does_not_name_the_machine_that_made_it(tmp_path: Path) -> None:
    graph = onnx_model.to_onnx(torch_network(small_vit(), None, 1), 40, "float32")
    graph.save(tmp_path / "graph.onnx")
    assert b"site-packages" not in (tmp_path / "graph.onnx").read_bytes()


def test_float16_weights_take_half_the_space_and_torchscript_keeps_all_digits(tmp_path: Path) -> None:
    job = ExportJob(small_vit(), tmp_path, "tests", random_seed=1, precision="float16", torchscript=True)
    manifest = export_encoder(job)
    network = torch_network(small_vit(), None, 1)
    weights = sum(weight.numel() for weight in network.parameters())
    assert (tmp_path / "encoder.onnx").stat().st_size < 2.6 * weights
    features, exact = OnnxEncoder(tmp_path).embed(TILES), network.embed(TILES)
    assert 0 < np.abs(features - exact).max() < 0.01 * np.linalg.norm(exact, axis=1).min()
    script = torch.jit.load(tmp_path / "encoder.pt")  # type: ignore[no-untyped-call]
    assert np.allclose(script(torch.from_numpy(TILES)).detach(), exact, atol=1e-5)
    assert manifest.script_digest == file_digest(tmp_path / "encoder.pt")
    assert manifest.conversion is not None
    assert manifest.conversion.precision == "float16"


def test_weights_too_large_for_one_file_lie_beside_it_and_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_export, "MOST_BYTES", 0)
    first, second = (
        export_encoder(ExportJob(small_vit(), tmp_path / f"{seed}", "tests", random_seed=seed)) for seed in (1, 2)
    )
    assert first.digest != second.digest
    expected = torch_network(small_vit(), None, 1).embed(TILES)
    assert np.allclose(OnnxEncoder(tmp_path / "1").embed(TILES), expected, atol=1e-5)
    with (tmp_path / "1" / DATA_FILE).open("ab") as file:
        file.write(b"x")
    with pytest.raises(EncoderAlteredError):
        OnnxEncoder(tmp_path / "1")


def test_an_encoder_that_differs_from_torch_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(parity.LIMITS, "float32", 0.0)
    with pytest.raises(DifferentFeaturesError, match="of the norm"):
        export_encoder(ExportJob(small_vit(), tmp_path / "out", "tests", random_seed=1))
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_takes_one_number_of_tiles_alone_is_refused() -> None:
    with pytest.raises(BadNetworkError, match=r"number of tiles|cannot export"):
        onnx_model.to_onnx(torch_network(of_class("ForTwoTiles"), None, 1), 256, "float32")


class Means(nn.Module):
    """Channel means, with a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 3))

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3)) @ self.weight


class ForTwoTiles(Means):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images).reshape(2, 3)


def of_class(name: str) -> Recipe:
    return recipe_of(f"module:{__name__}.{name}", Stated({"name": "own"}, {"mean": (0, 0, 0), "std": (1, 1, 1)}, "MIT"))


def test_a_class_of_ones_own_becomes_an_encoder(tmp_path: Path) -> None:
    torch.save({"weight": torch.eye(3)}, tmp_path / "own.pth")
    export_encoder(ExportJob(of_class("Means"), tmp_path / "out", "tests", tmp_path / "own.pth"))
    tiles = np.random.default_rng(1).integers(0, 256, (2, 256, 256, 3), np.uint8)
    assert np.allclose(OnnxEncoder(tmp_path / "out").embed(tiles), tiles.mean((1, 2)) / 255, atol=1e-3)


def test_torchscript_becomes_an_encoder(tmp_path: Path) -> None:
    traced = torch.jit.trace(Means().eval(), torch.zeros(2, 3, 224, 224))  # type: ignore[no-untyped-call]
    traced.save(str(tmp_path / "net.pt"))
    recipe = recipe_of(str(tmp_path / "net.pt"), Stated({"name": "script"}, {}, "MIT"))
    manifest = export_encoder(ExportJob(recipe, tmp_path / "out", "tests"))
    assert (manifest.name, manifest.dim) == ("script", 3)


def test_a_folder_of_hugging_face_becomes_an_encoder_and_no_code_in_it_runs(tmp_path: Path) -> None:
    architecture = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "dinov2", **architecture}))
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.2] * 3}))
    recipe = recipe_of(str(folder), Stated({"name": "hub"}, {"tile_px": 32, "tile_um": 16.0}, "Apache-2.0"))
    network = build_network(recipe.architecture)
    randomize(network, 1)
    save_file(network.state_dict(), folder / "model.safetensors")
    manifest = export_encoder(ExportJob(recipe, tmp_path / "out", "tests"))
    assert (manifest.dim, recipe.pixels.mean, recipe.pooling) == (32, (0.5, 0.5, 0.5), "class_token")
    assert read_manifest(tmp_path / "out") == manifest
