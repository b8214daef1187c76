"""The manifest says how Triton serves an encoder; what needs a GPU is checked for its form alone."""

import json
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as triton

from services.embedder.errors import EncoderAlteredError, UnknownEncoderError
from services.embedder.export import EncoderCard, prepared_graph, write_encoder
from services.embedder.graph import Preparation
from services.embedder.manifest import DATA_FILE, SCRIPT_FILE, read_manifest
from services.embedder.triton_encoder import TritonEncoder
from services.embedder.triton_repository import write_repository
from tests.support.networks import small_network

CARD = EncoderCard("small", "2", "tests", "MIT", "Nobody's.\n", tile_px=16, tile_um=8.0)
RAW = Preparation(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """An encoder with TorchScript and with a file of weights beside the graph."""
    files = {name: tmp_path / name for name in (SCRIPT_FILE, DATA_FILE)}
    for name, path in files.items():
        path.write_bytes(name.encode())
    model = prepared_graph(small_network(tmp_path / "net.onnx", 16), RAW, CARD)
    write_encoder(model, CARD, tmp_path / "encoder", files=files)
    return tmp_path / "encoder"


def choose(encoder: Path, **serving: object) -> None:
    """Edit the manifest as an operator does."""
    manifest = json.loads((encoder / "manifest.json").read_text())
    (encoder / "manifest.json").write_text(json.dumps(manifest | {"serving": serving}))


def repository(encoder: Path) -> tuple[triton.ModelConfig, set[str]]:
    folder = write_repository(encoder, encoder.parent / "models")
    config = text_format.Parse((folder / "config.pbtxt").read_text(), triton.ModelConfig())
    return config, {file.name for file in (folder / "1").iterdir()}


def test_tensorrt_runs_inside_onnx_runtime_on_a_gpu(encoder: Path) -> None:
    choose(encoder, backend="tensorrt", precision="float16", gpu=True, instances=2)
    config, files = repository(encoder)
    (accelerator,) = config.optimization.execution_accelerators.gpu_execution_accelerator
    assert (config.backend, accelerator.name, accelerator.parameters["precision_mode"]) == (
        "onnxruntime",
        "tensorrt",
        "FP16",
    )
    assert (config.instance_group[0].count, config.instance_group[0].kind) == (2, triton.ModelInstanceGroup.KIND_GPU)
    assert files == {"model.onnx", DATA_FILE}


def test_pytorch_gets_torchscript_and_tensors_by_position(encoder: Path) -> None:
    choose(encoder, backend="pytorch", gpu=True)
    config, files = repository(encoder)
    names = (config.input[0].name, config.output[0].name, *config.model_warmup[0].inputs)
    assert (config.backend, names) == ("pytorch", ("TILES__0", "FEATURES__0", "TILES__0"))
    assert files == {"model.pt"}
    with TritonEncoder(read_manifest(encoder), "127.0.0.1:1") as client:
        assert (client._tiles, client._features) == names[:2]


def test_torchscript_that_was_altered_is_not_served(encoder: Path) -> None:
    choose(encoder, backend="pytorch")
    (encoder / SCRIPT_FILE).write_bytes(b"another")
    with pytest.raises(EncoderAlteredError, match=r"encoder\.pt"):
        write_repository(encoder, encoder.parent / "models")
    assert not (encoder.parent / "models").exists()


@pytest.mark.parametrize(
    ("serving", "sentence"),
    [
        ({"backend": "tensorrt"}, "tensorrt runs on a GPU alone"),
        ({"precision": "float16"}, "onnxruntime computes in float32"),
        ({"instances": 0}, "greater than or equal to 1"),
    ],
)
def test_choices_that_do_not_fit_are_refused_with_the_manifest(
    encoder: Path, serving: dict[str, object], sentence: str
) -> None:
    choose(encoder, **serving)
    with pytest.raises(UnknownEncoderError, match=sentence):
        read_manifest(encoder)


def test_pytorch_without_torchscript_is_refused(tmp_path: Path) -> None:
    write_encoder(prepared_graph(small_network(tmp_path / "net.onnx", 16), RAW, CARD), CARD, tmp_path / "encoder")
    choose(tmp_path / "encoder", backend="pytorch")
    with pytest.raises(UnknownEncoderError, match="export the encoder with --torchscript"):
        read_manifest(tmp_path / "encoder")


def test_the_usual_way_is_not_written_into_manifests(encoder: Path) -> None:
    assert "serving" not in json.loads((encoder / "manifest.json").read_text())
