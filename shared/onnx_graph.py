"""Checks an ONNX model from anybody before a runtime sees it: operators, sizes, shapes, and where its weights lie."""

import math
import re
from collections.abc import Set
from dataclasses import dataclass
from itertools import islice

from shared.protobuf_fields import FieldReader, Fields, Schema, Value, WireError, numbers, size, text
from shared.words import shown

MAX_OPSET = 30
MAX_IR_VERSION = 20
MAX_AXES = 8
MAX_FIELDS = 1_000_000
"""Of all messages together."""
_ORT_FORMAT = b"ORTM"
"""At byte 4 of what ONNX Runtime reads as its own format, whatever else the bytes are."""
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)
_STANDARD = {"", "ai.onnx"}
_MODEL = Schema("a model", frozenset({1, 2, 3, 4, 5, 6, 7}), frozenset({8, 14}))
_OPSET = Schema("a version of operators", frozenset({1, 2}))
_GRAPH = Schema("a graph", frozenset({2, 10}), frozenset({1, 5, 11, 12, 13, 16}))
_NODE = Schema("a node", frozenset({3, 4, 6, 7}), frozenset({1, 2, 5, 9}))
_ATTRIBUTE = Schema("an attribute", frozenset({1, 2, 3, 4, 5, 13, 20}), frozenset({7, 8, 9}))
_TENSOR = Schema("a tensor", frozenset({2, 8, 9, 12, 14}), frozenset({1, 4, 5, 7, 10, 11, 13, 16}))
_ENTRY = Schema("an entry", frozenset({1, 2}))
_NUMBERS = (4, 5, 7, 10, 11)
"""Fields of a tensor with its numbers one by one; field 9 has their bytes."""
_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""Bytes of a number by ONNX's code of its type."""


@dataclass(frozen=True)
class GraphLimits:
    """What a model may have."""

    operators: Set[str]
    max_nodes: int
    data_file: str = ""
    """The file beside the model that may hold its weights."""
    data_bytes: int = 0
    """Bytes of that file; 0 where there is none."""


def check_graph(model: bytes, limits: GraphLimits) -> None:
    """Refuse a model that has more than the limits allow; weights outside it, too, unless in `data_file`.

    Raises:
        WireError: what is wrong, as a sentence that continues "the model".
    """
    if model[4:8] == _ORT_FORMAT:
        raise WireError("is in the format of ONNX Runtime, and only ONNX is read")
    _Check(limits).model(memoryview(model))


class _Check:
    """One check, which counts fields and bytes of weights."""

    def __init__(self, limits: GraphLimits) -> None:
        self._limits = limits
        self._fields = FieldReader(MAX_FIELDS)
        self._outside_bytes = 0

    def model(self, message: Value) -> None:
        """Check a model's bytes, as check_graph says."""
        model = self._fields.read(message, _MODEL)
        if next(numbers(model.get(1, ())), 0) > MAX_IR_VERSION:
            raise WireError("is of a newer format than any that is read")
        for opset in model.get(8, ()):
            self._opset(self._fields.read(opset, _OPSET))
        if 7 not in model:
            raise WireError("has no graph")
        self._graph(self._fields.read(model[7][0], _GRAPH))

    def _opset(self, opset: Fields) -> None:
        domain = text(opset.get(1, ()))
        if domain not in _STANDARD:
            raise WireError(f"asks for operators of {shown(domain)}, and only those of ONNX itself are read")
        if not 1 <= next(numbers(opset.get(2, ())), 0) <= MAX_OPSET:
            raise WireError(f"asks for a version of operators that is not from 1 to {MAX_OPSET}")

    def _graph(self, graph: Fields) -> None:
        nodes = graph.get(1, ())
        if len(nodes) > self._limits.max_nodes:
            raise WireError(f"has {len(nodes)} nodes; {self._limits.max_nodes} are allowed")
        for node in nodes:
            self._node(self._fields.read(node, _NODE))
        for weights in graph.get(5, ()):
            self._tensor(self._fields.read(weights, _TENSOR))

    def _node(self, node: Fields) -> None:
        operator, domain = text(node.get(4, ())), text(node.get(7, ()))
        if domain not in _STANDARD or operator not in self._limits.operators:
            whose = f" of {shown(domain)}" if domain else ""
            raise WireError(f"has the operator {shown(operator)}{whose}, which is not read")
        for attribute in node.get(5, ()):
            for constant in self._fields.read(attribute, _ATTRIBUTE).get(5, ()):
                self._tensor(self._fields.read(constant, _TENSOR))

    def _tensor(self, tensor: Fields) -> None:
        """Check that a tensor's shape is that of its numbers: no runtime then sets aside more than the file holds."""
        name, shape = shown(text(tensor.get(8, ()))), list(islice(numbers(tensor.get(1, ())), MAX_AXES + 1))
        width = _BYTES.get(next(numbers(tensor.get(2, ())), 0))
        if width is None or len(shape) > MAX_AXES:
            raise WireError(f"has weights {name} of a type or shape that is not read")
        count = math.prod(shape)
        if 13 in tensor or next(numbers(tensor.get(14, ())), 0):
            self._outside(name, tensor, count * width)
        elif 9 in tensor:
            if size(tensor[9]) != count * width:
                raise WireError(f"has weights {name} of {size(tensor[9])} bytes, and their shape needs {count * width}")
        elif sum(size(tensor.get(field, ())) for field in _NUMBERS) < count:
            raise WireError(f"has fewer weights {name} than their shape needs")

    def _outside(self, name: str, tensor: Fields, needed: int) -> None:
        """Check that weights outside the model lie in the one file that may hold them."""
        entries = [self._fields.read(entry, _ENTRY) for entry in tensor.get(13, ())]
        places = {text(entry.get(1, ())): text(entry.get(2, ())) for entry in entries}
        if not self._limits.data_file or places.get("location") != self._limits.data_file or len(places) < len(entries):
            raise WireError(f"has weights {name} in another file")
        start, length = _whole(places.get("offset", "0")), _whole(places.get("length", str(needed)))
        self._outside_bytes += length
        if length != needed or max(start + length, self._outside_bytes) > self._limits.data_bytes:
            raise WireError(f"has weights {name} that {self._limits.data_file} does not hold")


def _whole(digits: str) -> int:
    if not _DIGITS.fullmatch(digits):
        raise WireError("has weights at a place that is no number")
    return int(digits)
