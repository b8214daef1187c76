"""Owners' files of weights fit their network without exception, or are refused; nothing in them runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from services.standalone.encoders.errors import BadNetworkError
from services.standalone.encoders.networks import build_network
from services.standalone.encoders.recipe import WeightsFile
from services.standalone.encoders.weights import load_weights, randomize
from tests.support.recipes import one_block

Change = Callable[[dict[str, Tensor]], object]


def names_of_2021(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Swin's weights as timm 0.5 named them, with the buffers that it saved."""
    moved = {f"layers.{i + 1}.downsample": f"layers.{i}.downsample" for i in range(3)}
    old = {f"{moved.get(name[:19], name[:19])}{name[19:]}": value for name, value in weights.items()}
    return old | {"layers.0.blocks.1.attn_mask": torch.zeros(1), "head.weight": torch.zeros(1)}


@pytest.mark.parametrize(
    ("name", "as_owner"),
    [
        ("conch", lambda own: {f"visual.{key}": value for key, value in own.items()}
            | {"visual.proj_contrast": torch.zeros(1), "text.cls_emb": torch.zeros(1)}),
        ("ctranspath", lambda own: {"model": names_of_2021(own)}),
        ("resnet50", lambda own: own | {"fc.weight": torch.zeros(1), "layer4.0.conv1.weight": torch.zeros(1)}),
    ],
)  # fmt: skip
def test_an_owners_file_fits_its_recipe(name: str, as_owner: Change, tmp_path: Path) -> None:
    recipe = one_block(name)
    source, target = build_network(recipe.architecture), build_network(recipe.architecture)
    randomize(source, 1)
    torch.save(as_owner(dict(source.state_dict())), tmp_path / "owner.pth")
    load_weights(target, tmp_path / "owner.pth", recipe.weights)
    images = torch.rand(1, 3, recipe.pixels.input_px or 0, recipe.pixels.input_px or 0)
    with torch.no_grad():
        features, expected = (network(images) for network in (target, source))
    assert torch.equal(*(output[0] if isinstance(output, list) else output for output in (features, expected)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda own: {key: value for key, value in own.items() if "fc1.bias" not in key}, "it lacks .*fc1.bias"),
        (lambda own: own | {"other": torch.zeros(1)}, r"it has other \(1\)"),
        (lambda own: own | {"cls_token": torch.zeros(1, 1, 8)}, "another shape"),
        (lambda _: torch.nn.Linear(1, 1), "more than weights"),
        (lambda _: torch.zeros(3), "no weights by name"),
        (lambda _: {3: torch.zeros(3)}, "no weights by name"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(change: Change, sentence: str, tmp_path: Path) -> None:
    network = build_network(one_block("uni").architecture)
    torch.save(change(dict(network.state_dict())), tmp_path / "other.pth")
    with pytest.raises(BadNetworkError, match=sentence):
        load_weights(network, tmp_path / "other.pth", None)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    network = torch.nn.Linear(1, 1)
    damaged = b"\x10\0\0\0\0\0\0\0{"
    for name, data in {"cut.safetensors": damaged, "cut.pth": damaged, "empty.pth": b""}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadNetworkError, match=name):
            load_weights(network, tmp_path / name, None)
    assert network.weight.shape == (1, 1)


def test_an_entry_of_another_kind_where_the_owner_has_weights_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(BadNetworkError, match="no weights by name"):
        load_weights(torch.nn.Linear(1, 1), tmp_path / "other.pth", WeightsFile(url="", file="", key="state_dict"))
