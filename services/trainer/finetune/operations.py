"""The ONNX operations of encoders, in torch."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its customary name

from services.trainer.errors import UntrainableEncoderError
from services.trainer.finetune.transformer_operations import TRANSFORMER, Attributes, Operation

_KINDS = {1: torch.float32, 7: torch.int64}
"""Of TensorProto."""


def _conv(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    """Channels last: a third quicker on a CPU, and what tensor cores want."""
    image, weight = inputs[:2]
    bias = inputs[2] if len(inputs) > 2 else None
    axes = weight.dim() - 2
    pads = list(attributes.get("pads", [0] * 2 * axes))
    padding: list[int] = pads[:axes]
    if pads[axes:] != padding:
        image, padding = _padded(image, pads, 0.0), [0] * axes
    return F.conv2d(
        image.contiguous(memory_format=torch.channels_last),
        weight,
        bias,
        list(attributes.get("strides", [1] * axes)),
        padding,
        list(attributes.get("dilations", [1] * axes)),
        attributes.get("group", 1),
    )


def _max_pool(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    kernel = list(attributes["kernel_shape"])
    image = _padded(inputs[0], list(attributes.get("pads", [0, 0, 0, 0])), -torch.inf)
    return F.max_pool2d(image, kernel, list(attributes.get("strides", [1, 1])))


def _pad(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    if attributes.get("mode", b"constant") != b"constant":
        raise UntrainableEncoderError("the encoder pads other than by a constant, which fine-tuning cannot do")
    image, pads = inputs[0], inputs[1].tolist()
    half = image.dim()
    if any(pads[: half - 2] + pads[half : 2 * half - 2]):
        raise UntrainableEncoderError("the encoder pads its batch or channels, which fine-tuning cannot do")
    value = float(inputs[2]) if len(inputs) > 2 else 0.0
    return _padded(image, pads[half - 2 : half] + pads[2 * half - 2 :], value)


def _padded(image: Tensor, pads: Sequence[int], value: float) -> Tensor:
    """Pad height and width; `pads` as ONNX has them: top, left, bottom, right."""
    top, left, bottom, right = pads
    return F.pad(image, (left, right, top, bottom), value=value) if any(pads) else image


def _clip(inputs: Sequence[Tensor], _: Attributes) -> Tensor:
    low = float(inputs[1]) if len(inputs) > 1 else None
    high = float(inputs[2]) if len(inputs) > 2 else None
    return torch.clamp(inputs[0], low, high)


def _mat_mul(inputs: Sequence[Tensor], _: Attributes) -> Tensor:
    """Images are resized by matrices, always in full precision; the other products have rows of tokens."""
    is_image = inputs[0].dim() == 4 and inputs[1].dim() == 2
    with torch.autocast(inputs[0].device.type, enabled=not is_image and torch.is_autocast_enabled()):
        return inputs[0] @ inputs[1]


def _cast(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    kind = _KINDS.get(attributes["to"])
    if kind is None:
        raise UntrainableEncoderError("the encoder casts to other than float32 or int64, which fine-tuning cannot do")
    return inputs[0].to(kind)


def _reduce_mean(inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
    return inputs[0].mean(dim=list(attributes["axes"]), keepdim=bool(attributes.get("keepdims", 1)))


OPERATIONS: Mapping[str, Operation] = {
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "Cast": _cast,
    "Clip": _clip,
    "Conv": _conv,
    "Div": lambda inputs, _: inputs[0] / inputs[1],
    "Flatten": lambda inputs, attributes: inputs[0].flatten(attributes.get("axis", 1)),
    "GlobalAveragePool": lambda inputs, _: inputs[0].mean(dim=(2, 3), keepdim=True),
    "Identity": lambda inputs, _: inputs[0],
    "MatMul": _mat_mul,
    "MaxPool": _max_pool,
    "Mul": lambda inputs, _: inputs[0] * inputs[1],
    "Pad": _pad,
    "ReduceMean": _reduce_mean,
    "Relu": lambda inputs, _: torch.relu(inputs[0]),
    "Sigmoid": lambda inputs, _: torch.sigmoid(inputs[0]),
    "Sub": lambda inputs, _: inputs[0] - inputs[1],
    "Transpose": lambda inputs, attributes: inputs[0].permute(list(attributes["perm"])),
    **TRANSFORMER,
}
"""Enough for EfficientNet-Lite, ResNet and MobileNet with their normalisation folded into the convolutions, and for
vision transformers as `medulla encoder export` writes them."""
