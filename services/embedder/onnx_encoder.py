"""The encoder in this process: ONNX Runtime, on CUDA where there is a GPU, else on CPU."""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from services.embedder.manifest import INPUT, OUTPUT, EncoderManifest, read_manifest, read_model
from services.embedder.ports import Features, Tiles, check_tiles

_ERRORS_ONLY = 3
CPU_BATCH = 8
"""More tiles in one run leave a CPU's caches and are slower."""
GPU_BATCH = 64


class OnnxModel:
    """A wrapped graph, loaded; `threads` 0 lets the runtime choose."""

    def __init__(self, model: bytes, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.use_deterministic_compute = True
        options.log_severity_level = _ERRORS_ONLY
        self._session = ort.InferenceSession(model, options, providers=_providers())
        self.gpu: bool = "CUDAExecutionProvider" in self._session.get_providers()

    def run(self, tiles: Tiles) -> Features:
        """Features float32 [n, dim] of tiles uint8 [n, px, px, 3], in one run."""
        features: Features = self._session.run([OUTPUT], {INPUT: tiles})[0]
        return features


class OnnxEncoder:
    """The encoder of a folder; runs on CPU with `threads` threads, or on CUDA where the runtime has it.

    Every run on a GPU has the same number of tiles, filled up with black ones: there, other sizes take other roundings.
    """

    def __init__(self, folder: Path, threads: int = 0, batch: int | None = None) -> None:
        """Load the folder's encoder; `batch` None takes what suits the device.

        Raises:
            UnknownEncoderError: there is no valid encoder in the folder.
            EncoderAlteredError: its file is not the one its manifest describes.
        """
        self.manifest: EncoderManifest = read_manifest(folder)
        self._model = OnnxModel(read_model(folder, self.manifest), threads)
        self.device = "gpu" if self._model.gpu else "cpu"
        self.batch = batch or (GPU_BATCH if self._model.gpu else CPU_BATCH)

    def embed(self, tiles: Tiles) -> Features:
        """Embed tiles [n, px, px, 3], in order."""
        check_tiles(tiles, self.manifest)
        runs = [self._run(tiles[start : start + self.batch]) for start in range(0, len(tiles), self.batch)]
        return np.concatenate(runs) if runs else np.empty((0, self.manifest.dim), np.float32)

    def _run(self, tiles: Tiles) -> Features:
        missing = self.batch - len(tiles) if self._model.gpu else 0
        filled = np.pad(tiles, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else tiles
        return self._model.run(filled)[: len(tiles)]


def _providers() -> list[str | tuple[str, dict[str, str]]]:
    """CUDA, without TF32 whose rounding would show in the fourth digit, then CPU."""
    exact = {"use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT"}
    has_cuda = "CUDAExecutionProvider" in ort.get_available_providers()
    return [("CUDAExecutionProvider", exact), "CPUExecutionProvider"] if has_cuda else ["CPUExecutionProvider"]
