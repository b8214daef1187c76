"""The model file for Triton's Python back end, with a stand-in for what Triton gives it."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from services.embedder import triton_repository
from services.embedder.manifest import read_manifest
from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.shipped_encoder import DEFAULT_ENCODER


class Refused(Exception):  # noqa: N818 - stands for TritonModelException
    """What Triton would show of a model that does not load."""


@pytest.fixture
def model_file(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    def tensor(name: str, values: Any) -> SimpleNamespace:
        return SimpleNamespace(name=name, as_numpy=lambda: values)

    stand_in: Any = ModuleType("triton_python_backend_utils")
    stand_in.Tensor = tensor
    stand_in.InferenceResponse = lambda tensors: tensors
    stand_in.TritonModelException = Refused
    stand_in.get_input_tensor_by_name = lambda request, name: next(each for each in request if each.name == name)
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", stand_in)
    spec = importlib.util.spec_from_file_location("model", triton_repository.PYTHON_MODEL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "1").mkdir()
    shutil.copyfile(DEFAULT_ENCODER / "encoder.onnx", tmp_path / "1" / "model.onnx")
    digest = read_manifest(DEFAULT_ENCODER).digest
    parameters = {"encoder_digest": {"string_value": digest}, "threads": {"string_value": "1"}}
    return {
        "model_config": json.dumps({"parameters": parameters}),
        "model_repository": str(tmp_path),
        "model_version": "1",
        "model_instance_kind": "CPU",
        "model_instance_device_id": "0",
    }


def test_every_request_gets_the_features_of_its_own_tiles(model_file: Any, arguments: dict[str, str]) -> None:
    model = model_file.TritonPythonModel()
    model.initialize(arguments)
    tiles = np.random.default_rng(5).integers(0, 256, (12, 256, 256, 3), np.uint8)
    shares = [tiles[:1], tiles[1:11], tiles[11:]]
    tensor = sys.modules["triton_python_backend_utils"].Tensor
    answers = model.execute([[tensor("TILES", share)] for share in shares])
    expected = OnnxEncoder(DEFAULT_ENCODER, threads=1).embed(tiles)
    assert [answer[0].name for answer in answers] == ["FEATURES"] * 3
    assert [len(answer[0].as_numpy()) for answer in answers] == [1, 10, 1]
    assert np.array_equal(np.concatenate([answer[0].as_numpy() for answer in answers]), expected)


def test_a_model_that_was_altered_does_not_load(model_file: Any, arguments: dict[str, str]) -> None:
    with (Path(arguments["model_repository"]) / "1" / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(Refused, match="digest"):
        model_file.TritonPythonModel().initialize(arguments)
