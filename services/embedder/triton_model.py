"""The encoder inside Triton's Python back end, which runs the same file without ONNX Runtime's back end."""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as triton

CPU_RUN = 8
"""Tiles in one run on a CPU: more of them leave its caches and are slower."""


class TritonPythonModel:
    """Joins the tiles of waiting requests, embeds them, and gives each request its share."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load model.onnx after checking its digest."""
        settings = json.loads(args["model_config"])["parameters"]
        folder = Path(args["model_repository"]) / args["model_version"]
        model = (folder / "model.onnx").read_bytes()
        if hashlib.sha256(model).hexdigest() != settings["encoder_digest"]["string_value"]:
            raise triton.TritonModelException("model.onnx does not have the digest that its configuration states")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.use_deterministic_compute = True
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
        gpu = args["model_instance_kind"] == "GPU"
        providers = [("CUDAExecutionProvider", {"device_id": args["model_instance_device_id"], "use_tf32": "0"})]
        self._session = ort.InferenceSession(model, options, providers=providers if gpu else ["CPUExecutionProvider"])
        self._run = None if gpu else CPU_RUN
        threads = int(settings["threads"]["string_value"]) or len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(1 if gpu else threads)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer requests in their order."""
        tiles = [triton.get_input_tensor_by_name(request, "TILES").as_numpy() for request in requests]
        features = self._embed(np.concatenate(tiles))
        shares = np.split(features, np.cumsum([len(of_one) for of_one in tiles])[:-1])
        return [triton.InferenceResponse([triton.Tensor("FEATURES", share)]) for share in shares]

    def _embed(self, tiles: Any) -> Any:
        step = self._run or len(tiles)
        runs = [tiles[start : start + step] for start in range(0, len(tiles), step)]
        return np.concatenate(list(self._pool.map(self._features, runs)))

    def _features(self, tiles: Any) -> Any:
        return self._session.run(["FEATURES"], {"TILES": tiles})[0]
