"""An ONNX network as its owner runs it: pixels prepared outside the graph."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from services.embedder.graph import axis_matrix, is_resized
from services.embedder.ports import Features, Tiles
from services.standalone.encoders.recipe import Pixels


class UnwrappedNetwork:
    """The reference of an encoder that was made from an ONNX file."""

    def __init__(self, path: Path, pixels: Pixels) -> None:
        self._session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        self._pixels = pixels
        image = self._session.get_inputs()[0]
        self._input, self._type = image.name, np.float16 if image.type == "tensor(float16)" else np.float32
        self._side = pixels.input_px or image.shape[2]
        versions = onnx.load(path, load_external_data=False).opset_import
        self.opset = next(entry.version for entry in versions if entry.domain in {"", "ai.onnx"})

    def embed(self, tiles: Tiles) -> Features:
        """Features of tiles uint8 [n, px, px, 3]; the network takes one image at a time, channels first."""
        return np.concatenate([self._features(tile) for tile in tiles])

    def _features(self, tile: Tiles) -> Features:
        preparation, px = self._pixels.preparation, self._pixels.tile_px
        image = tile.astype(np.float32).transpose(2, 0, 1)
        if is_resized(preparation, px, self._side):
            axis = axis_matrix(preparation, px, self._side)
            image = (axis @ image @ axis.T).astype(np.float32)
        mean, std = (np.array(values, np.float32).reshape(3, 1, 1) for values in (preparation.mean, preparation.std))
        images = ((image - mean) / std)[np.newaxis].astype(self._type)
        features: Features = self._session.run(None, {self._input: images})[0].astype(np.float32)
        return features
