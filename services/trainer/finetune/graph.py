"""Reads an encoder's ONNX graph: its steps, its constants, and which of its weights are trained."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from services.trainer.errors import UntrainableEncoderError
from services.trainer.finetune.operations import OPERATIONS
from services.trainer.finetune.transformer_operations import Attributes

Constants: TypeAlias = dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]
"""Arrays of a graph by name."""
_CONVOLUTION, _ATTENTION = "Conv", "Softmax"
_LINEAR = ("MatMul", "Gemm")
_NOTHING = "the encoder has no convolutions and no attention with weights of their own, so nothing to train"


@dataclass(frozen=True)
class Step:
    """One node: what it does, on which values, under which name."""

    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Attributes


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph of one input and one output."""

    model: onnx.ModelProto
    steps: tuple[Step, ...]
    constants: Constants
    layers: tuple[tuple[str, ...], ...]
    """Constants of each layer that is trained, from the first to the last."""
    attends: bool
    """Whether it is a transformer, whose linear layers are trained; else convolutions are."""
    stored: Mapping[str, str]
    """Initializer of each constant that is kept in half precision."""

    @property
    def input(self) -> str:
        """Name of the tiles."""
        return str(self.model.graph.input[0].name)

    @property
    def output(self) -> str:
        """Name of the features."""
        return str(self.model.graph.output[0].name)


def read_graph(model: bytes) -> Graph:
    """Read a graph.

    Raises:
        UntrainableEncoderError: it is no graph of one input and one output, keeps weights in a second file, has an
            operation that is not known here, or nothing to train.
    """
    parsed = _parsed(model)
    fixed, rest = _divided(parsed.graph)
    constants = _values(parsed.graph, fixed, _needed(rest, _moving(parsed.graph)))
    steps = tuple(map(_step, rest))
    attends = any(step.operation == _ATTENTION for step in steps)
    layers = _linear(steps, constants) if attends else _convolutions(steps, constants)
    if not layers:
        raise UntrainableEncoderError(_NOTHING)
    stored = {node.output[0]: node.input[0] for node in fixed if node.op_type == "Cast"}
    return Graph(parsed, steps, constants, layers, attends, stored)


def _parsed(model: bytes) -> onnx.ModelProto:
    try:
        parsed = onnx.load_from_string(model)
        onnx.checker.check_model(parsed)
    except Exception as error:  # protobuf and onnx share no exception for bytes that are no network
        raise UntrainableEncoderError(f"the encoder's file is no network: {error}") from error
    graph = parsed.graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise UntrainableEncoderError("the encoder must have one input and one output")
    if not any(node.op_type in (_CONVOLUTION, *_LINEAR) for node in graph.node):
        raise UntrainableEncoderError(_NOTHING)
    if any(item.data_location == onnx.TensorProto.EXTERNAL for item in graph.initializer):
        raise UntrainableEncoderError("the encoder keeps its weights in a second file, which fine-tuning cannot read")
    return parsed


def _moving(graph: onnx.GraphProto) -> set[str]:
    """Names of all values that depend on the input."""
    moving = {graph.input[0].name}
    for node in graph.node:
        if any(name in moving for name in node.input):
            moving.update(node.output)
    return moving


def _divided(graph: onnx.GraphProto) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto]]:
    """Nodes that give constants, and those that depend on the input."""
    moving = _moving(graph)
    fixed = [node for node in graph.node if node.output[0] not in moving]
    rest = [node for node in graph.node if node.output[0] in moving]
    unknown = sorted({node.op_type for node in rest} - set(OPERATIONS))
    if unknown:
        raise UntrainableEncoderError(
            f"the encoder has the operation {unknown[0]}, which fine-tuning does not know; it knows networks of "
            f"{', '.join(sorted(OPERATIONS))}"
        )
    return fixed, rest


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


def _step(node: onnx.NodeProto) -> Step:
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    return Step(node.op_type, tuple(name for name in node.input if name), tuple(node.output), attributes)


def _convolutions(steps: Sequence[Step], constants: Constants) -> tuple[tuple[str, ...], ...]:
    layers = [step.inputs[1:] for step in steps if step.operation == _CONVOLUTION]
    return tuple(layers) if all(name in constants for layer in layers for name in layer) else ()


def _linear(steps: Sequence[Step], constants: Constants) -> tuple[tuple[str, ...], ...]:
    """Matrices behind the first convolution, which cuts patches; those before it resize pixels."""
    first = next((i for i, step in enumerate(steps) if step.operation == _CONVOLUTION), 0)
    weights = [step.inputs[1] for step in steps[first:] if step.operation in _LINEAR]
    names = dict.fromkeys(name for name in weights if name in constants and constants[name].ndim == 2)
    return tuple((name,) for name in names)
