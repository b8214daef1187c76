"""An encoder's graph in torch: the same numbers as where it is served, and the same bytes back."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import helper

from services.embedder.manifest import read_manifest, read_model
from services.embedder.onnx_encoder import OnnxModel
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.trainer.errors import UntrainableEncoderError
from services.trainer.finetune.assignment import Base
from services.trainer.finetune.export import exported
from services.trainer.finetune.network import Encoder
from services.trainer.finetune.operations import OPERATIONS
from tests.support.finetuning import PX, convolutional
from tests.support.networks import small_network
from tests.support.transformers import small_transformer


def tiles_of(count: int, px: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (count, px, px, 3), np.uint8))


def features(encoder: Encoder, tiles: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(encoder(tiles).numpy())


def test_the_default_encoder_gives_in_torch_what_it_gives_where_it_is_served() -> None:
    model = read_model(DEFAULT_ENCODER, read_manifest(DEFAULT_ENCODER))
    encoder, tiles = Encoder(model), tiles_of(2, 256)
    served = OnnxModel(model).run(tiles.numpy())
    assert np.abs(features(encoder, tiles) - served).max() < 1e-4
    assert len(encoder.layers) == 49
    assert encoder.to_onnx() == model


@pytest.mark.parametrize("between", [("Relu", "MaxPool"), ("Sigmoid", "Mul"), ("Identity", "Add")])
def test_other_convolutional_graphs_give_the_same_numbers_too(tmp_path: Path, between: tuple[str, ...]) -> None:
    model = convolutional(tmp_path / "net.onnx", between).read_bytes()
    pixels = torch.rand(3, 3, PX, PX)
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    (served,) = session.run(None, {"image": pixels.numpy()})
    assert np.abs(features(Encoder(model), pixels) - served).max() < 1e-5


def test_changed_weights_are_exported_and_nothing_else_changes(base: Base) -> None:
    encoder, tiles = Encoder(base.model), tiles_of(3, PX)
    with torch.no_grad():
        for parameter in encoder.train_last(1.0):
            parameter.mul_(1.5)
    model, parity = exported(encoder, tiles)
    before, after = onnx.load_from_string(base.model), onnx.load_from_string(model)
    assert parity < 1e-5
    assert [node.SerializeToString() for node in before.graph.node] == [n.SerializeToString() for n in after.graph.node]
    assert before.graph.input == after.graph.input
    assert before.graph.output == after.graph.output
    assert np.abs(OnnxModel(model).run(tiles.numpy()) - OnnxModel(base.model).run(tiles.numpy())).max() > 0.1


def test_an_export_that_gives_other_numbers_is_refused(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder(base.model)
    with torch.no_grad():
        encoder.train_last(1.0)[0].add_(0.5)
    monkeypatch.setattr(encoder, "to_onnx", lambda: base.model)
    with pytest.raises(UntrainableEncoderError, match="gives other features than torch"):
        exported(encoder, tiles_of(2, PX))


@pytest.mark.parametrize(("share", "trained"), [(0.0, 0), (0.5, 2), (1.0, 4)])
def test_the_last_layers_are_trained_and_the_others_are_not(base: Base, share: float, trained: int) -> None:
    encoder = Encoder(base.model)
    assert len(encoder.train_last(share)) == trained
    assert sum(parameter.requires_grad for parameter in encoder.parameters()) == trained


def test_a_graph_that_cannot_be_trained_is_refused_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(UntrainableEncoderError, match="is no network"):
        Encoder(b"no network")
    flat = onnx.load(small_network(tmp_path / "flat.onnx"))
    del flat.graph.output[1:]
    with pytest.raises(UntrainableEncoderError, match="no convolutions"):
        Encoder(flat.SerializeToString())
    strange = onnx.load(convolutional(tmp_path / "net.onnx"))
    strange.graph.node[3].CopyFrom(helper.make_node("Sign", ["x0"], ["x1"]))
    with pytest.raises(UntrainableEncoderError, match="the operation Sign"):
        Encoder(strange.SerializeToString())


@pytest.mark.parametrize(
    ("operation", "attributes", "sentence"),
    [("Pad", {"mode": b"reflect"}, "pads other than"), ("Cast", {"to": 11}, "casts to other than float32")],
)
def test_an_operation_in_a_form_that_is_not_known_is_a_refusal_of_the_encoder(
    operation: str, attributes: dict[str, bytes | int], sentence: str
) -> None:
    with pytest.raises(UntrainableEncoderError, match=sentence):
        OPERATIONS[operation]([torch.zeros(1, 3, 4, 4), torch.zeros(8, dtype=torch.int64)], attributes)


@pytest.fixture(scope="module", params=["float32", "float16"])
def transformer(request: pytest.FixtureRequest) -> bytes:
    """A vision transformer of two narrow blocks, as `medulla encoder export` writes it."""
    return small_transformer(request.param)


def test_adapters_are_merged_into_the_weights_and_the_graph_stays_the_same(transformer: bytes) -> None:
    encoder, tiles = Encoder(transformer), tiles_of(3, PX)
    frozen = features(encoder, tiles)
    assert np.abs(frozen - OnnxModel(transformer).run(tiles.numpy())).max() < 1e-5
    assert encoder.to_onnx() == transformer
    assert len(encoder.train_last(0.5)) == 2 * len(encoder.weights()) == len(encoder.layers)
    with torch.no_grad():
        for parameter in encoder.train_last(0.5):
            parameter.add_(0.02)
    encoder.load_weights(encoder.weights())
    model, parity = exported(encoder, tiles)
    before, after = onnx.load_from_string(transformer), onnx.load_from_string(model)
    assert parity < 1e-5
    assert [node.SerializeToString() for node in before.graph.node] == [n.SerializeToString() for n in after.graph.node]
    assert np.abs(OnnxModel(model).run(tiles.numpy()) - frozen).max() > 0.1


def test_merged_weights_that_are_loaded_again_give_the_same_features(transformer: bytes) -> None:
    trained, again, tiles = Encoder(transformer), Encoder(transformer), tiles_of(2, PX)
    with torch.no_grad():
        for parameter in trained.train_last(1.0):
            parameter.add_(0.02)
    again.load_weights(trained.weights())
    assert features(again, tiles) == pytest.approx(features(trained, tiles), abs=0.02)
