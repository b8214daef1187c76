"""mil.onnx run on a bag, without torch."""

import numpy as np
import onnxruntime as ort

from services.trainer.cohort.embeddings import Features


class MilModel:
    """mil.onnx on one thread, so that the same bag gives the same bytes."""

    def __init__(self, model: bytes) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, bag: Features) -> tuple[float, Features]:
        """Log-risk and attention [n] of a bag [n, d]."""
        log_risk, attention = self._session.run(["log_risk", "attention"], {"bag": bag})
        return float(np.asarray(log_risk).reshape(())), np.asarray(attention, np.float32)
