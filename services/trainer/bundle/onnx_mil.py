"""Hazards of tiles as ONNX: `bag` [n, d] to `log_risk` (scalar), `attention` [n], `projected` [n, axes]."""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from services.trainer.cohort.embeddings import Features
from services.trainer.slides.hazards import TileHazards
from services.trainer.slides.projection import Projection
from shared.arrays import Floats
from shared.model.mil import ATTENTION, BAG, LOG_RISK, PROJECTED

_OPSET, _IR = 17, 8


def to_onnx(projection: Projection, hazards: TileHazards) -> bytes:
    """The log-risk is the mean log hazard of the tiles, the attention their softmax."""
    tensors = dict(_tensors(projection, hazards))
    graph = helper.make_graph(
        list(_nodes(len(hazards.columns.centres))),
        "hazards_of_tiles",
        [helper.make_tensor_value_info(BAG, TensorProto.FLOAT, ["n", len(projection.mean)])],
        [
            helper.make_tensor_value_info(LOG_RISK, TensorProto.FLOAT, []),
            helper.make_tensor_value_info(ATTENTION, TensorProto.FLOAT, ["n"]),
            helper.make_tensor_value_info(PROJECTED, TensorProto.FLOAT, ["n", projection.axes.shape[1]]),
        ],
        [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _tensors(projection: Projection, hazards: TileHazards) -> Iterator[tuple[str, Features | Floats]]:
    """Weights of the prototypes of each size are centred on the training patients, which keeps rounding small."""
    yield from {"mean": projection.mean, "axes": projection.axes}.items()
    start = 0
    for size, centres in enumerate(hazards.columns.centres):
        own = slice(start, start := start + len(centres))
        yield f"centres_{size}", centres.T
        yield f"half_squares_{size}", (centres**2).sum(axis=1) / 2
        yield f"hazards_{size}", hazards.weights[own] - hazards.mean[own] @ hazards.weights[own]
    yield "axis_weights", hazards.weights[start:]
    yield "axis_level", hazards.mean[start:] @ hazards.weights[start:]


def _nodes(sizes: int) -> Iterator[onnx.NodeProto]:
    node = helper.make_node
    yield node("Sub", [BAG, "mean"], ["centred"])
    yield node("MatMul", ["centred", "axes"], [PROJECTED])
    yield node("MatMul", [PROJECTED, "axis_weights"], ["by_axes"])
    yield node("Sub", ["by_axes", "axis_level"], ["hazard"])
    last = "hazard"
    for size in range(sizes):
        yield node("MatMul", [PROJECTED, f"centres_{size}"], [f"products_{size}"])
        yield node("Sub", [f"products_{size}", f"half_squares_{size}"], [f"nearness_{size}"])
        yield node("ArgMax", [f"nearness_{size}"], [f"nearest_{size}"], axis=1, keepdims=0)
        yield node("Gather", [f"hazards_{size}", f"nearest_{size}"], [f"of_prototype_{size}"])
        yield node("Add", [last, f"of_prototype_{size}"], [last := f"hazard_{size}"])
    yield node("ReduceMean", [last], [LOG_RISK], axes=[0], keepdims=0)
    yield node("Softmax", [last], [ATTENTION], axis=0)
