"""The ONNX operations of vision transformers, in torch; sizes are computed as int64 on the CPU."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its customary name

Attributes = Mapping[str, Any]
Operation = Callable[[Sequence[Tensor], Attributes], "Tensor | tuple[Tensor, ...]"]


def _shape(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    sizes = list(inputs[0].shape)
    return torch.tensor(sizes[attributes.get("start", 0) : attributes.get("end")], dtype=torch.int64)


def _reshape(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    sizes = inputs[1].tolist()
    if not attributes.get("allowzero", 0):
        sizes = [inputs[0].shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    return inputs[0].reshape(sizes)


def _slice(inputs: Sequence[Tensor], _: Attributes) -> Tensor:
    value, starts, ends = inputs[0], inputs[1].tolist(), inputs[2].tolist()
    axes = inputs[3].tolist() if len(inputs) > 3 else list(range(len(starts)))
    steps = inputs[4].tolist() if len(inputs) > 4 else [1] * len(starts)
    chosen = [slice(None)] * value.dim()
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        size = value.shape[axis]
        chosen[axis] = slice(max(start, -size), min(end, size), step)
    return value[tuple(chosen)]


def _squeeze(inputs: Sequence[Tensor], _: Attributes) -> Tensor:
    return inputs[0].squeeze(tuple(inputs[1].tolist())) if len(inputs) > 1 else inputs[0].squeeze()


def _unsqueeze(inputs: Sequence[Tensor], _: Attributes) -> Tensor:
    value = inputs[0]
    axes = [axis % (value.dim() + inputs[1].numel()) for axis in inputs[1].tolist()]
    for axis in sorted(axes):
        value = value.unsqueeze(axis)
    return value


def _gather(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    value, index, axis = inputs[0], inputs[1], attributes.get("axis", 0) % inputs[0].dim()
    chosen = value.index_select(axis, index.reshape(-1).to(value.device) % value.shape[axis])
    return chosen.reshape(*value.shape[:axis], *index.shape, *value.shape[axis + 1 :])


def _expand(inputs: Sequence[Tensor], _: Attributes) -> Tensor:
    shape = np.broadcast_shapes(tuple(inputs[0].shape), tuple(inputs[1].tolist()))
    return inputs[0].expand(shape)


def _split(inputs: Sequence[Tensor], attributes: Attributes) -> tuple[Tensor, ...]:
    axis = attributes.get("axis", 0)
    if len(inputs) > 1:
        return tuple(torch.split(inputs[0], inputs[1].tolist(), axis))
    return tuple(inputs[0].tensor_split(attributes["num_outputs"], axis))


def _layer_norm(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    value, weight = inputs[:2]
    bias = inputs[2] if len(inputs) > 2 else None
    axis = attributes.get("axis", -1) % value.dim()
    return F.layer_norm(value, value.shape[axis:], weight, bias, attributes.get("epsilon", 1e-5))


def _gelu(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    return F.gelu(inputs[0], approximate=attributes.get("approximate", b"none").decode())


def _gemm(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    left = inputs[0].T if attributes.get("transA", 0) else inputs[0]
    right = inputs[1].T if attributes.get("transB", 0) else inputs[1]
    product: Tensor = attributes.get("alpha", 1.0) * (left @ right)
    bias: Tensor | float = attributes.get("beta", 1.0) * inputs[2] if len(inputs) > 2 else 0.0
    return product + bias


TRANSFORMER: Mapping[str, Operation] = {
    "Concat": lambda inputs, attributes: torch.cat(list(inputs), attributes["axis"]),
    "Erf": lambda inputs, _: torch.erf(inputs[0]),
    "Expand": _expand,
    "Gather": _gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "LayerNormalization": _layer_norm,
    "Pow": lambda inputs, _: inputs[0] ** inputs[1],
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Softmax": lambda inputs, attributes: torch.softmax(inputs[0], attributes.get("axis", -1)),
    "Split": _split,
    "Sqrt": lambda inputs, _: torch.sqrt(inputs[0]),
    "Squeeze": _squeeze,
    "Tanh": lambda inputs, _: torch.tanh(inputs[0]),
    "Unsqueeze": _unsqueeze,
}
