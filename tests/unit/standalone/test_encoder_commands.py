"""`medulla encoder list`, `show` and `export`."""

from pathlib import Path

import pytest

from services.embedder.manifest import read_manifest
from services.standalone.encoders.errors import LicenceRefusedError
from services.standalone.encoders.job import ExportJob
from services.standalone.encoders.recipe import load_recipe
from tests.support.command_line import AT_FAULT, medulla, printed
from tests.support.networks import small_network

STATED = ("--name", "small", "--origin", "tests", "--tile-px", 32, "--tile-um", 16)


def test_the_list_names_tiles_terms_and_where_the_weights_are() -> None:
    shown = medulla("encoder", "list").output
    assert "uni2-h  UNI2-h, ViT-H/14 of the Mahmood Lab" in shown
    assert "CC-BY-NC-ND-4.0: no commercial use, no changed copies, access on request" in shown
    assert "pytorch_model.bin from https://huggingface.co/MahmoodLab/UNI2-h" in shown
    recipes = {recipe["name"]: recipe for recipe in printed("encoder", "list")}
    assert recipes["virchow2"]["dim"] == 2560
    assert recipes["virchow2"]["missing_libraries"] == []


def test_a_recipe_is_shown_by_its_name() -> None:
    shown = medulla("encoder", "show", "resnet50").output
    assert "256 px, 128 um (0.5 um/px); the network takes 224 px; 1024 features (map mean)" in shown
    assert "licence  BSD-3-Clause: commercial use allowed" in shown
    assert "network  timm resnet50" in shown
    assert "resized to 224 px (bilinear); mean 0.485 0.456 0.406, standard deviation 0.229 0.224 0.225" in shown
    assert "weights  model.safetensors from https://huggingface.co/timm/resnet50.tv_in1k" in shown
    assert printed("encoder", "show", "resnet50")["dim"] == 1024


def test_an_onnx_network_becomes_an_encoder_that_is_shown(tmp_path: Path) -> None:
    network = small_network(tmp_path / "net.onnx", 32)
    stated = ("--licence", "CC-BY-4.0", "--citation", "Someone 2024")
    done = medulla("encoder", "export", network, "--out", tmp_path / "out", *STATED, *stated)
    assert "parity   differs from the network in ONNX Runtime by" in done.output, done.output
    conversion = read_manifest(tmp_path / "out").conversion
    assert conversion is not None
    assert conversion.parity.share_of_norm < 1e-6
    shown = medulla("encoder", "show", tmp_path / "out").output
    assert f"weights  sha256 {conversion.weights_digest}" in shown
    assert "Cite: Someone 2024" in (tmp_path / "out" / "NOTICE").read_text()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--licence", "CC-BY-NC-4.0", "--use", "commercial"), "CC-BY-NC-4.0 forbids commercial use"),
        ((), "does not state its licence; give --licence"),
        (("--licence", "MIT", "--random-weights", 1), "give one of --weights, --random-weights and a file"),
        (("--licence", "MIT", "--float16"), "--float16 and --torchscript are for networks of torch"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(
    tmp_path: Path, options: tuple[object, ...], sentence: str
) -> None:
    network = small_network(tmp_path / "net.onnx", 32)
    done = medulla("encoder", "export", network, "--out", tmp_path / "out", *STATED, *options)
    assert done.exit_code == AT_FAULT
    assert sentence in done.output
    assert not (tmp_path / "out").exists()


def test_terms_that_are_acknowledged_are_recorded(tmp_path: Path) -> None:
    network = small_network(tmp_path / "net.onnx", 32)
    stated = ("--licence", "CC-BY-NC-4.0", "--use", "commercial", "--acknowledge-licence")
    conversion = printed("encoder", "export", network, "--out", tmp_path / "out", *STATED, *stated)["conversion"]
    assert (conversion["use"], conversion["acknowledged"], conversion["terms"]["commercial"]) == (
        "commercial",
        True,
        False,
    )


def test_a_recipe_without_weights_says_where_its_owner_gives_them(tmp_path: Path) -> None:
    done = medulla("encoder", "export", "virchow2", "--out", tmp_path / "out")
    assert done.exit_code == AT_FAULT
    assert "get pytorch_model.bin from its owner at https://huggingface.co/paige-ai/Virchow2" in done.output


@pytest.mark.parametrize(("name", "acknowledged"), [("uni", True), ("efficientnet-lite0", False)])
def test_a_recipe_shows_its_export_with_the_acknowledgement_that_it_needs(name: str, acknowledged: bool) -> None:
    shown = medulla("encoder", "show", name).stdout
    assert f"`medulla encoder export {name} --weights" in shown
    assert ("--acknowledge-licence --out DIR" in shown) is acknowledged


def test_gated_weights_need_the_terms_acknowledged(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"")
    job = ExportJob(load_recipe("h-optimus-0"), tmp_path / "out", "tests", weights)
    with pytest.raises(LicenceRefusedError, match=r"Apache-2\.0 .* person by person"):
        job.permitted_weights()
