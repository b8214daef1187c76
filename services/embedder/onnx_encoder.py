"""The encoder in this process: ONNX Runtime, on CUDA where there is a GPU, else on CPU."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort

from services.embedder.manifest import INPUT, OUTPUT, EncoderManifest, read_manifest, read_model
from services.embedder.ports import Features, Tiles, check_tiles

_ERRORS_ONLY = 3
_DATA_FOLDER = "session.model_external_initializers_file_folder_path"
CPU_RUN = 8
"""More tiles in one run leave a CPU's caches and are slower."""
RUNS_A_BATCH = 4
"""Runs that each thread gets out of one batch, so that none waits long for the others."""
GPU_BATCH = 64


class OnnxModel:
    """A wrapped graph, loaded; a run takes one thread of a CPU, and several can run in parallel."""

    def __init__(self, model: bytes, folder: Path | None = None) -> None:
        """Load a graph; weights outside it are looked for in `folder`."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = _ERRORS_ONLY
        if folder:
            options.add_session_config_entry(_DATA_FOLDER, str(folder))
        self._session = ort.InferenceSession(model, options, providers=_providers())
        self.gpu: bool = "CUDAExecutionProvider" in self._session.get_providers()

    def run(self, tiles: Tiles) -> Features:
        """Features float32 [n, dim] of tiles uint8 [n, px, px, 3], in one run."""
        features: Features = self._session.run([OUTPUT], {INPUT: tiles})[0]
        return features


class OnnxEncoder:
    """The encoder of a folder; on CUDA where the runtime has it, else on a CPU, `threads` runs in parallel.

    Parallel runs cost a third less than one run on several threads, which wait for each other at every layer.
    Every run on a GPU has the same number of tiles, filled up with black ones: there, other sizes take other roundings.
    """

    def __init__(self, folder: Path, threads: int = 0, run: int | None = None) -> None:
        """Load the folder's encoder; `threads` 0 takes every core, `run` is the tiles of one run.

        Raises:
            UnknownEncoderError: there is no valid encoder in the folder.
            EncoderAlteredError: its file is not the one its manifest describes.
        """
        self.manifest: EncoderManifest = read_manifest(folder)
        self._model = OnnxModel(read_model(folder, self.manifest), folder)
        self.device = "gpu" if self._model.gpu else "cpu"
        self._run_tiles = run or (GPU_BATCH if self._model.gpu else CPU_RUN)
        parallel_runs = 1 if self._model.gpu else threads or len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(parallel_runs, thread_name_prefix="encoder")
        self.batch = self._run_tiles * (1 if self._model.gpu else RUNS_A_BATCH * parallel_runs)
        """Tiles worth handing over at once."""

    def embed(self, tiles: Tiles) -> Features:
        """Embed tiles [n, px, px, 3], in order."""
        check_tiles(tiles, self.manifest)
        step = self._run_tiles
        parts = [tiles[start : start + step] for start in range(0, len(tiles), step)]
        runs = list(self._pool.map(self._run, parts))
        return np.concatenate(runs) if runs else np.empty((0, self.manifest.dim), np.float32)

    def _run(self, tiles: Tiles) -> Features:
        missing = self._run_tiles - len(tiles) if self._model.gpu else 0
        filled = np.pad(tiles, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else tiles
        return self._model.run(filled)[: len(tiles)]


def _providers() -> list[str | tuple[str, dict[str, str]]]:
    """CUDA, without TF32 whose rounding would show in the fourth digit, then CPU."""
    exact = {"use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT"}
    has_cuda = "CUDAExecutionProvider" in ort.get_available_providers()
    return [("CUDAExecutionProvider", exact), "CPUExecutionProvider"] if has_cuda else ["CPUExecutionProvider"]
