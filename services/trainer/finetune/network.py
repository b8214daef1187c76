"""An encoder's ONNX graph as a torch module: the same nodes, its convolutions trainable, and back again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from services.trainer.errors import UntrainableEncoderError
from services.trainer.finetune.operations import OPERATIONS, Attributes

Constants: TypeAlias = dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]
"""Arrays of a graph by name."""
_TRAINED = "Conv"


@dataclass(frozen=True)
class _Step:
    """One node: what it does, on which values, under which name."""

    operation: str
    inputs: tuple[str, ...]
    output: str
    attributes: Attributes


class Encoder(nn.Module):
    """A wrapped graph, uint8 or float tiles [n, px, px, 3] of 0 to 255 in, features float32 [n, dim] out.

    Batch normalisation is folded into the convolutions of what is served, so there are no running statistics: small
    batches do no harm, and training and serving compute the same.
    """

    def __init__(self, model: bytes) -> None:
        """Read a graph.

        Raises:
            UntrainableEncoderError: it is no graph of one input and one output, has an operation that is not known
                here, or nothing to train.
        """
        super().__init__()
        self._model = _parsed(model)
        graph = self._model.graph
        self._input, self._output = graph.input[0].name, graph.output[0].name
        constants, nodes = _folded(graph)
        self._steps = [_step(node) for node in nodes]
        self._held = {name: f"value_{i}" for i, name in enumerate(sorted(constants))}
        self.layers = [step.inputs[1:] for step in self._steps if step.operation == _TRAINED]
        """Names of weight and bias of each convolution, from the first to the last."""
        self._numbers: dict[str, Tensor] = {}
        """Sizes and bounds, which stay on the CPU wherever the encoder runs."""
        trained = {name for layer in self.layers for name in layer}
        for name, value in constants.items():
            tensor = torch.from_numpy(np.array(value))
            if name in trained:
                last = tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor
                self.register_parameter(self._held[name], nn.Parameter(last, requires_grad=False))
            elif tensor.is_floating_point() and tensor.dim():
                self.register_buffer(self._held[name], tensor, persistent=False)
            else:
                self._numbers[name] = tensor

    def forward(self, tiles: Tensor) -> Tensor:
        """Features [n, dim]."""
        values = {self._input: tiles, **self._numbers}
        for step in self._steps:
            inputs = [values[name] if name in values else getattr(self, self._held[name]) for name in step.inputs]
            values[step.output] = OPERATIONS[step.operation](inputs, step.attributes)
        return values[self._output].float()

    def train_last(self, share: float) -> list[nn.Parameter]:
        """Let the last `share` of the convolutions be trained, the others not; the parameters that are."""
        first = len(self.layers) - round(share * len(self.layers))
        chosen = []
        for place, layer in enumerate(self.layers):
            for name in layer:
                parameter: nn.Parameter = getattr(self, self._held[name])
                parameter.requires_grad_(place >= first)
                chosen += [parameter] if place >= first else []
        return chosen

    def to_onnx(self) -> bytes:
        """The graph that was read, with the weights as they are now; nothing else of it changes."""
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        trained = {name for layer in self.layers for name in layer}
        for constant in model.graph.initializer:
            if constant.name in trained:
                value = getattr(self, self._held[constant.name]).detach().cpu().float().numpy()
                constant.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), constant.name))
        return bytes(model.SerializeToString(deterministic=True))


def _parsed(model: bytes) -> onnx.ModelProto:
    try:
        parsed = onnx.load_from_string(model)
        onnx.checker.check_model(parsed)
    except Exception as error:  # protobuf and onnx share no exception for bytes that are no network
        raise UntrainableEncoderError(f"the encoder's file is no network: {error}") from error
    graph = parsed.graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise UntrainableEncoderError("the encoder must have one input and one output")
    weights = {constant.name: constant for constant in graph.initializer}
    layers = [node for node in graph.node if node.op_type == _TRAINED]
    if not layers or any(name not in weights for node in layers for name in node.input[1:]):
        raise UntrainableEncoderError("the encoder has no convolutions with weights of their own, so nothing to train")
    return parsed


def _folded(graph: onnx.GraphProto) -> tuple[Constants, list[onnx.NodeProto]]:
    """Constants that the rest needs, and the nodes that depend on the input."""
    moving = {graph.input[0].name}
    fixed, rest = list[onnx.NodeProto](), list[onnx.NodeProto]()
    for node in graph.node:
        depends = any(name in moving for name in node.input)
        moving.update(node.output if depends else ())
        (rest if depends else fixed).append(node)
    unknown = sorted({node.op_type for node in rest} - set(OPERATIONS))
    if unknown:
        raise UntrainableEncoderError(
            f"the encoder has the operation {unknown[0]}, which fine-tuning does not know; it knows convolutional "
            f"networks of {', '.join(sorted(OPERATIONS))}"
        )
    return _values(graph, fixed, _needed(rest, moving)), rest


def _needed(nodes: Iterable[onnx.NodeProto], moving: set[str]) -> list[str]:
    return sorted({name for node in nodes for name in node.input if name and name not in moving})


def _values(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto], names: Sequence[str]) -> Constants:
    """What nodes without input from outside give: the arithmetic of shapes that exporters leave behind."""
    constants: Constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    computed = [name for name in names if name not in constants]
    if computed:
        outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in computed]
        subgraph = onnx.helper.make_graph(list(nodes), "constants", [], outputs, list(graph.initializer))
        model = onnx.helper.make_model(subgraph, opset_imports=[onnx.helper.make_opsetid("", 17)])
        values = map(np.asarray, ReferenceEvaluator(model).run(None, {}))
        constants |= dict(zip(computed, values, strict=True))
    return {name: constants[name] for name in names}


def _step(node: onnx.NodeProto) -> _Step:
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    return _Step(node.op_type, tuple(name for name in node.input if name), node.output[0], attributes)
