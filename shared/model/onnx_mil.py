"""Runs mil.onnx by ONNX Runtime on the CPU."""

import numpy as np
import onnxruntime as ort

from shared.model.errors import BadBundleError
from shared.model.mil import ATTENTION, BAG, LOG_RISK, MIL, Features


class OnnxMil:
    """mil.onnx: input `bag` float32 [n, d], outputs `log_risk` (scalar) and `attention` float32 [n]."""

    def __init__(self, model: bytes) -> None:
        self._session = _session(model)
        self._width = _checked_width(self._session)

    @property
    def width(self) -> int:
        """Features of a tile that the model reads."""
        return self._width

    def __call__(self, bag: Features) -> tuple[float, Features]:
        """Run the graph on one thread, so that the same bag gives the same bytes."""
        log_risk, attention = self._session.run([LOG_RISK, ATTENTION], {BAG: bag})
        return float(np.asarray(log_risk).reshape(())), np.asarray(attention, np.float32).reshape(len(bag))


def _session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a dozen unrelated exceptions for a bad model
        raise BadBundleError(f"{MIL} is no model that ONNX Runtime {ort.__version__} can load") from error


def _checked_width(session: ort.InferenceSession) -> int:
    inputs = {item.name: item for item in session.get_inputs()}
    outputs = {item.name for item in session.get_outputs()}
    if set(inputs) != {BAG} or not outputs >= {LOG_RISK, ATTENTION}:
        raise BadBundleError(f"{MIL} must have the input {BAG} and the outputs {LOG_RISK} and {ATTENTION}")
    shape = inputs[BAG].shape
    if inputs[BAG].type != "tensor(float)" or len(shape) != 2 or not isinstance(shape[1], int):
        raise BadBundleError(f"{MIL} must read {BAG} as float32 [n, d] with a fixed d")
    return int(shape[1])
