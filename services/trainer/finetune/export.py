"""A trained encoder as the file that is served, after torch and ONNX Runtime have agreed on it."""

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor

from services.trainer.errors import UntrainableEncoderError
from services.trainer.finetune.network import Encoder

TOLERANCE = 1e-3
"""Largest difference of a feature, as a share of the largest feature."""


def exported(encoder: Encoder, tiles: Tensor) -> tuple[bytes, float]:
    """The encoder's ONNX file, and the largest difference on tiles uint8 [n, px, px, 3] as a share.

    Raises:
        UntrainableEncoderError: the file gives other features than torch does, or none that are numbers.
    """
    model = encoder.to_onnx()
    with torch.no_grad():
        expected = encoder.cpu()(tiles).numpy()
    served = _run(model, tiles)
    largest = float(np.abs(expected).max())
    worst = float(np.abs(served - expected).max()) / largest if largest else float("inf")
    if served.shape != expected.shape or not worst <= TOLERANCE:
        raise UntrainableEncoderError(
            f"the exported encoder gives other features than torch: off by {worst:.2g} of the largest, "
            f"{TOLERANCE:g} is allowed; nothing was written"
        )
    return model, worst


def _run(model: bytes, tiles: Tensor) -> np.ndarray:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (features,) = session.run(None, {session.get_inputs()[0].name: tiles.numpy()})
    return np.asarray(features)
