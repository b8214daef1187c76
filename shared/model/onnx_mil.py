"""Runs mil.onnx by ONNX Runtime on the CPU."""

import numpy as np
import onnxruntime as ort

from shared.model.errors import BadBundleError
from shared.model.mil import ATTENTION, BAG, LOG_RISK, MIL, PROJECTED, Features, MilAnswer
from shared.onnx_graph import GraphLimits, check_graph
from shared.onnx_operators import MIL_MODEL
from shared.protobuf_fields import WireError

_LIMITS = GraphLimits(MIL_MODEL, max_nodes=100)
"""Its weights are in the file itself."""


class OnnxMil:
    """mil.onnx: input `bag` float32 [n, d], outputs `log_risk` (scalar) and `attention` float32 [n].

    It may have a third output, `projected` float32 [n, axes].
    """

    def __init__(self, model: bytes) -> None:
        self._session = _session(model)
        self._width = _checked_width(self._session)
        self._axes = _checked_axes(self._session)

    @property
    def width(self) -> int:
        """Features of a tile that the model reads."""
        return self._width

    @property
    def axes(self) -> int | None:
        """Axes of projected tiles; None where the model does not give them."""
        return self._axes

    def __call__(self, bag: Features) -> MilAnswer:
        """Run the graph on one thread, so that the same bag gives the same bytes."""
        names = [LOG_RISK, ATTENTION, *([PROJECTED] if self._axes else [])]
        log_risk, attention, *rest = map(np.asarray, self._session.run(names, {BAG: bag}))
        projected = rest[0].astype(np.float32, copy=False) if rest else None
        return MilAnswer(float(log_risk.reshape(())), attention.astype(np.float32).reshape(len(bag)), projected)


def _session(model: bytes) -> ort.InferenceSession:
    try:
        check_graph(model, _LIMITS)
    except WireError as error:
        raise BadBundleError(f"{MIL} is no model that is read: it {error}") from None
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


def _checked_axes(session: ort.InferenceSession) -> int | None:
    shapes = {item.name: item.shape for item in session.get_outputs()}
    if PROJECTED not in shapes:
        return None
    shape = shapes[PROJECTED]
    if len(shape) != 2 or not isinstance(shape[1], int) or shape[1] < 1:
        raise BadBundleError(f"{MIL} must give {PROJECTED} as [n, axes] with a fixed number of axes")
    return int(shape[1])
