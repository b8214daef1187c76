"""The encoder in this process: ONNX Runtime, on CUDA where there is a GPU, else on CPU."""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from services.embedder.errors import UnknownEncoderError
from services.embedder.manifest import EncoderManifest, read_manifest, read_model
from services.embedder.ports import Features, Tiles

BATCH = 32


class OnnxModel:
    """A wrapped graph, loaded; `threads` 0 lets the runtime choose."""

    def __init__(self, model: bytes, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        self._session = ort.InferenceSession(model, options, providers=_providers())

    def run(self, tiles: Tiles) -> Features:
        """Features float32 [n, dim] of tiles uint8 [n, px, px, 3], in one run."""
        features: Features = self._session.run(["FEATURES"], {"TILES": tiles})[0]
        return features


class OnnxEncoder:
    """The encoder of a folder; every run has at most `batch` tiles."""

    def __init__(self, folder: Path, threads: int = 0, batch: int = BATCH) -> None:
        """Load the folder's encoder.

        Raises:
            UnknownEncoderError: there is no valid encoder in the folder.
            EncoderAlteredError: its file is not the one its manifest describes.
        """
        self.manifest: EncoderManifest = read_manifest(folder)
        self._model = OnnxModel(read_model(folder, self.manifest), threads)
        self._batch = batch

    def embed(self, tiles: Tiles) -> Features:
        """Embed tiles [n, px, px, 3], in order."""
        px = self.manifest.input_px
        if tiles.dtype != np.uint8 or tiles.shape[1:] != (px, px, 3):
            raise UnknownEncoderError(
                f"encoder {self.manifest.name} takes uint8 tiles [n, {px}, {px}, 3], not {list(tiles.shape)}"
            )
        runs = [self._model.run(tiles[i : i + self._batch]) for i in range(0, len(tiles), self._batch)]
        return np.concatenate(runs) if runs else np.empty((0, self.manifest.dim), np.float32)


def _providers() -> list[str | tuple[str, dict[str, str]]]:
    """CUDA without TF32, whose rounding would show in the fourth digit, then CPU."""
    if "CUDAExecutionProvider" in ort.get_available_providers():
        return [
            ("CUDAExecutionProvider", {"use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT"}),
            "CPUExecutionProvider",
        ]
    return ["CPUExecutionProvider"]
