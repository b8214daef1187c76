"""The attention ensemble as ONNX: `bag` [n, d] to `log_risk` (scalar), `attention` [n], `projected` [n, axes]."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from services.trainer.slides.projection import Projection
from services.trainer.slides.training import Trained
from shared.model.mil import ATTENTION, BAG, LOG_RISK, PROJECTED

_OPSET, _IR = 17, 8


def to_onnx(projection: Projection, trained: Trained) -> bytes:
    """All networks side by side; log-risk and attention are their means."""
    state = {name: value.numpy() for name, value in trained.ensemble.state_dict().items()}
    weights = {name: state[name] for name in ("tanh", "tanh_bias", "gate", "gate_bias", "attend", "head")}
    weights |= {"mean": projection.mean, "axes": projection.axes}
    tensors = [
        numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name) for name, value in weights.items()
    ]
    tensors += [_ints("first", [0]), _ints("last", [1])]
    graph = helper.make_graph(
        _nodes(),
        "attention_ensemble",
        [helper.make_tensor_value_info(BAG, TensorProto.FLOAT, ["n", len(projection.mean)])],
        [
            helper.make_tensor_value_info(LOG_RISK, TensorProto.FLOAT, []),
            helper.make_tensor_value_info(ATTENTION, TensorProto.FLOAT, ["n"]),
            helper.make_tensor_value_info(PROJECTED, TensorProto.FLOAT, ["n", projection.axes.shape[1]]),
        ],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _ints(name: str, values: list[int]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def _nodes() -> list[onnx.NodeProto]:
    node = helper.make_node
    return [
        node("Sub", [BAG, "mean"], ["centred"]),
        node("MatMul", ["centred", "axes"], [PROJECTED]),
        node("Unsqueeze", [PROJECTED, "first"], ["tiles"]),
        *_branch("tanh", "Tanh"),
        *_branch("gate", "Sigmoid"),
        node("Mul", ["tanh_out", "gate_out"], ["hidden"]),
        node("MatMul", ["hidden", "attend"], ["raw"]),
        node("Softmax", ["raw"], ["weight"], axis=1),
        node("Transpose", ["weight"], ["weight_row"], perm=[0, 2, 1]),
        node("MatMul", ["weight_row", "tiles"], ["pooled"]),
        node("MatMul", ["pooled", "head"], ["risks"]),
        node("ReduceMean", ["risks"], [LOG_RISK], keepdims=0),
        node("ReduceMean", ["weight"], ["mean_weight"], axes=[0], keepdims=0),
        node("Squeeze", ["mean_weight", "last"], [ATTENTION]),
    ]


def _branch(name: str, activation: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("MatMul", ["tiles", name], [f"{name}_mul"]),
        helper.make_node("Add", [f"{name}_mul", f"{name}_bias"], [f"{name}_add"]),
        helper.make_node(activation, [f"{name}_add"], [f"{name}_out"]),
    ]
