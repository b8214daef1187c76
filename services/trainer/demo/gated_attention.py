"""Gated attention over tiles, trained on a Cox loss in plain numpy and written as ONNX.

Ilse, Tomczak, Welling, Attention-based deep multiple instance learning, ICML 2018. Tiles are first projected on a few
fixed axes, so that some hundred patients can train the rest.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from shared.arrays import Floats

Weights = dict[str, Floats]

_HIDDEN = 8
_STEPS = 150
_RATE = 0.02
_RISK_PENALTY, _GATE_PENALTY = 0.05, 0.01
"""Of beta, and of all that makes attention: as strong a one there would hold attention at 1/n for good."""


@dataclass(frozen=True)
class Projection:
    """Feature space [d] to a few standardised axes: (tile - mean) @ axes, axes [d, k]."""

    mean: Floats
    axes: Floats

    def __call__(self, tiles: Floats) -> Floats:
        """Project tiles [..., d] to [..., k]."""
        return np.asarray(tiles @ self.axes - self.mean @ self.axes, np.float64)


def fit_projection(tiles: Floats, axes: int) -> Projection:
    """Principal axes of tiles [n, d], each scaled to a standard deviation of one."""
    mean = tiles.mean(axis=0)
    _, spread, rows = np.linalg.svd(tiles - mean, full_matrices=False)
    scale = spread[:axes] / np.sqrt(len(tiles) - 1)
    return Projection(mean, (rows[:axes] / scale[:, None]).T)


@dataclass
class _Adam:
    """Adam with a quadratic penalty in the loss: what the data barely move stays small."""

    first: Weights = field(default_factory=dict)
    second: Weights = field(default_factory=dict)

    def step(self, weights: Weights, gradients: Weights, count: int) -> None:
        for name, raw in gradients.items():
            gradient = raw + (_RISK_PENALTY if name == "beta" else _GATE_PENALTY) * weights[name]
            self.first[name] = 0.9 * self.first.get(name, 0.0) + 0.1 * gradient
            self.second[name] = 0.999 * self.second.get(name, 0.0) + 0.001 * gradient**2
            rate = _RATE * np.sqrt(1 - 0.999**count) / (1 - 0.9**count)
            weights[name] = weights[name] - rate * self.first[name] / (np.sqrt(self.second[name]) + 1e-8)


def train(bags: Floats, times: Floats, events: npt.NDArray[np.bool_], rng: np.random.Generator) -> Weights:
    """Fit on projected bags [n, t, k] of equally many tiles; `events` [n] are relapses at `times` [n]."""
    weights = _start(bags.shape[2], rng)
    adam = _Adam()
    for count in range(1, _STEPS + 1):
        adam.step(weights, _gradients(weights, bags, times, events), count)
    return weights


def attention(weights: Weights, bags: Floats) -> Floats:
    """Attention [n, t] over the tiles of projected bags [n, t, k]; sums to one over each bag."""
    return _forward(weights, bags)["attention"]


def log_risk(weights: Weights, bags: Floats) -> Floats:
    """Log-risk [n] of projected bags [n, t, k]."""
    return np.asarray(_forward(weights, bags)["pooled"] @ weights["beta"], np.float64)


def _start(k: int, rng: np.random.Generator) -> Weights:
    shapes = {"v": (k, _HIDDEN), "u": (k, _HIDDEN), "w": (_HIDDEN,), "beta": (k,)}
    drawn = {name: rng.normal(scale=0.3 / np.sqrt(shape[0]), size=shape) for name, shape in shapes.items()}
    return drawn | {"bv": np.zeros(_HIDDEN), "bu": np.zeros(_HIDDEN)}


def _forward(weights: Weights, bags: Floats) -> Weights:
    tanh = np.tanh(bags @ weights["v"] + weights["bv"])
    gate = 1 / (1 + np.exp(-(bags @ weights["u"] + weights["bu"])))
    raw = (tanh * gate) @ weights["w"]
    shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
    a = shifted / shifted.sum(axis=1, keepdims=True)
    return {"tanh": tanh, "gate": gate, "attention": a, "pooled": np.einsum("nt,ntk->nk", a, bags)}


def _gradients(weights: Weights, bags: Floats, times: Floats, events: npt.NDArray[np.bool_]) -> Weights:
    """Gradients of the mean negative log partial likelihood, by hand."""
    seen = _forward(weights, bags)
    d_risk = _cox_gradient(seen["pooled"] @ weights["beta"], times, events)
    d_attention = np.einsum("ntk,nk->nt", bags, d_risk[:, None] * weights["beta"])
    a = seen["attention"]
    d_raw = a * (d_attention - (a * d_attention).sum(axis=1, keepdims=True))
    d_hidden = d_raw[:, :, None] * weights["w"]
    d_v = d_hidden * seen["gate"] * (1 - seen["tanh"] ** 2)
    d_u = d_hidden * seen["tanh"] * seen["gate"] * (1 - seen["gate"])
    return {
        "beta": d_risk @ seen["pooled"],
        "w": np.einsum("nt,nth->h", d_raw, seen["tanh"] * seen["gate"]),
        "v": np.einsum("ntk,nth->kh", bags, d_v),
        "u": np.einsum("ntk,nth->kh", bags, d_u),
        "bv": d_v.sum(axis=(0, 1)),
        "bu": d_u.sum(axis=(0, 1)),
    }


def _cox_gradient(risk: Floats, times: Floats, events: npt.NDArray[np.bool_]) -> Floats:
    exp = np.exp(risk - risk.max())
    at_risk = times[None, :] >= times[:, None]
    weight = np.where(events, 1 / (at_risk @ exp), 0.0)
    return np.asarray((exp * (weight @ at_risk) - events) / max(1, events.sum()), np.float64)


def to_onnx(projection: Projection, weights: Weights) -> bytes:
    """The model as ONNX: `bag` float32 [n, d] to `log_risk` (scalar) and `attention` float32 [n]."""
    tensors = {"mean": projection.mean, "axes": projection.axes, **weights}
    nodes = [
        helper.make_node("Sub", ["bag", "mean"], ["centred"]),
        helper.make_node("MatMul", ["centred", "axes"], ["z"]),
        *_branch("v", "Tanh"),
        *_branch("u", "Sigmoid"),
        helper.make_node("Mul", ["v_out", "u_out"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "w"], ["raw"]),
        helper.make_node("Softmax", ["raw"], ["attention"], axis=0),
        helper.make_node("MatMul", ["attention", "z"], ["pooled"]),
        helper.make_node("MatMul", ["pooled", "beta"], ["log_risk"]),
    ]
    width = len(projection.mean)
    graph = helper.make_graph(
        nodes,
        "gated_attention",
        [helper.make_tensor_value_info("bag", TensorProto.FLOAT, ["n", width])],
        [
            helper.make_tensor_value_info("log_risk", TensorProto.FLOAT, []),
            helper.make_tensor_value_info("attention", TensorProto.FLOAT, ["n"]),
        ],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _branch(name: str, activation: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("MatMul", ["z", name], [f"{name}_mul"]),
        helper.make_node("Add", [f"{name}_mul", f"b{name}"], [f"{name}_add"]),
        helper.make_node(activation, [f"{name}_add"], [f"{name}_out"]),
    ]
