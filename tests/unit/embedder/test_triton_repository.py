"""Triton's model repository follows from an encoder's manifest."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as triton

from services.embedder.default_encoder import CARD, PREPARATION
from services.embedder.errors import EncoderAlteredError, UnknownEncoderError
from services.embedder.export import wrap_encoder
from services.embedder.manifest import read_manifest
from services.embedder.serving import Serving
from services.embedder.triton_repository import model_name, write_repository
from tests.support.checkout import CHECKOUT
from tests.support.networks import small_network


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    wrap_encoder(small_network(folder / "net.onnx"), PREPARATION, CARD, folder)
    return folder


def read_config(folder: Path) -> triton.ModelConfig:
    return text_format.Parse((folder / "config.pbtxt").read_text(), triton.ModelConfig())


@pytest.mark.parametrize(
    ("serving", "files"),
    [
        (Serving(backend="onnxruntime", gpu=True), {"config.pbtxt", "1/model.onnx"}),
        (Serving(backend="python"), {"config.pbtxt", "1/model.onnx", "1/model.py"}),
    ],
)
def test_the_repository_holds_what_its_back_end_needs(
    encoder: Path, tmp_path: Path, serving: Serving, files: set[str]
) -> None:
    folder = write_repository(encoder, tmp_path, serving)
    assert {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} == files
    assert (folder / "1" / "model.onnx").read_bytes() == (encoder / "encoder.onnx").read_bytes()
    assert folder.name == read_config(folder).name == model_name(read_manifest(encoder))


def test_the_configuration_says_what_the_manifest_says(encoder: Path, tmp_path: Path) -> None:
    serving = Serving(backend="onnxruntime", gpu=True, max_batch=32, queue_delay_us=100)
    config = read_config(write_repository(encoder, tmp_path, serving))
    tiles, features = config.input[0], config.output[0]
    assert (tiles.name, tiles.data_type, list(tiles.dims)) == ("TILES", triton.TYPE_UINT8, [256, 256, 3])
    assert (features.name, features.data_type, list(features.dims)) == ("FEATURES", triton.TYPE_FP32, [3])
    assert (config.backend, config.max_batch_size) == ("onnxruntime", 32)
    assert config.dynamic_batching.max_queue_delay_microseconds == 100
    assert config.instance_group[0].kind == triton.ModelInstanceGroup.KIND_GPU
    assert config.model_warmup[0].batch_size == 32
    assert config.parameters["encoder_digest"].string_value == read_manifest(encoder).digest


def test_threads_have_the_name_that_the_back_end_knows(encoder: Path, tmp_path: Path) -> None:
    own = read_config(write_repository(encoder, tmp_path / "p", Serving(backend="python", threads=3)))
    onnx = read_config(write_repository(encoder, tmp_path / "o", Serving(backend="onnxruntime", threads=3)))
    assert own.parameters["threads"].string_value == onnx.parameters["intra_op_thread_count"].string_value == "3"


def test_writing_it_again_changes_nothing(encoder: Path, tmp_path: Path) -> None:
    folder = write_repository(encoder, tmp_path, Serving(backend="python"))
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    write_repository(encoder, tmp_path, Serving(backend="python"))
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_an_encoder_that_was_altered_is_not_served(encoder: Path, tmp_path: Path) -> None:
    shutil.copytree(encoder, tmp_path / "altered")
    with (tmp_path / "altered" / "encoder.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(EncoderAlteredError):
        write_repository(tmp_path / "altered", tmp_path / "models", Serving())
    assert not (tmp_path / "models").exists()


def test_a_folder_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownEncoderError):
        write_repository(tmp_path, tmp_path / "models", Serving())


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.embedder.triton_repository", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_prints_the_folder_it_wrote(encoder: Path, tmp_path: Path) -> None:
    done = generate("--encoder", str(encoder), "--out", str(tmp_path), "--backend", "python", "--max-batch", "8")
    assert done.returncode == 0
    assert read_config(Path(done.stdout.strip())).max_batch_size == 8


def test_the_command_says_in_a_sentence_what_is_wrong(tmp_path: Path) -> None:
    done = generate("--encoder", str(tmp_path), "--out", str(tmp_path / "models"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"no encoder at {tmp_path}: No such file or directory. Point the encoder setting")
