"""An ONNX model is checked before a runtime sees it: operators, shapes, and weights outside it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from services.embedder.manifest import DATA_FILE, MAX_NODES
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.demo_case import DEMO_BUNDLE
from shared.model.errors import BadBundleError
from shared.model.onnx_mil import OnnxMil
from shared.onnx_graph import GraphLimits, check_graph
from shared.onnx_operators import MIL_MODEL, NETWORK
from shared.protobuf_fields import WireError, numbers

MIL = (DEMO_BUNDLE / "mil.onnx").read_bytes()
LIMITS = GraphLimits(NETWORK, MAX_NODES)


def _outside(location: str, **entries: str) -> Callable[[onnx.ModelProto], None]:
    """Weights of the shape [2, 3] that lie in another file."""

    def change(model: onnx.ModelProto) -> None:
        tensor = TensorProto(name="outside", data_type=TensorProto.FLOAT, dims=[2, 3])
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            tensor.external_data.add(key=key, value=value)
        model.graph.initializer.append(tensor)

    return change


def _tensor(**fields: Any) -> Callable[[onnx.ModelProto], None]:
    tensor = TensorProto(name="odd", data_type=TensorProto.FLOAT, **fields)
    return lambda model: model.graph.initializer.append(tensor)


def _node(operator: str, domain: str = "", **attributes: Any) -> Callable[[onnx.ModelProto], None]:
    node = helper.make_node(operator, ["bag"], ["odd"], domain=domain, **attributes)
    return lambda model: model.graph.node.append(node)


def _many(model: onnx.ModelProto) -> None:
    model.graph.node.extend([helper.make_node("Identity", ["bag"], ["odd"])] * (MAX_NODES + 1))


BRANCH = helper.make_graph([helper.make_node("Identity", ["bag"], ["inner"])], "branch", [], [])
HUGE = numpy_helper.from_array(np.zeros(1, np.float32), "constant")
HUGE.dims[:] = [2**40]
EMPTY_DECIMAL_AXIS = TensorProto.FromString(
    TensorProto(data_type=TensorProto.FLOAT, dims=[2**40], raw_data=b"").SerializeToString() + b"\x0d\0\0\0\0"
)
"""A shape of 2**40 and an axis of 0 in 4 bytes, which ONNX Runtime passes over."""
ODD: dict[str, tuple[Callable[[onnx.ModelProto], object], str]] = {
    "weights in a file beside it": (_outside("weights.bin"), 'has weights "outside" in another file'),
    "weights up the folders": (_outside("../../etc/passwd"), 'has weights "outside" in another file'),
    "an operator of somebody": (_node("FusedConv", "com.microsoft"), '"FusedConv" of "com.microsoft", which is not'),
    "operators of somebody": (lambda model: model.opset_import.add(domain="x", version=1), 'asks for operators of "x"'),
    "operators of the future": (lambda model: model.opset_import.add(version=99), "not from 1 to 30"),
    "a graph in a node": (_node("Identity", body=BRANCH), "has an attribute with field 6"),
    "a loop": (_node("Loop"), 'has the operator "Loop"'),
    "a function": (lambda model: model.functions.add(name="f"), "has a model with field 25"),
    "sparse weights": (lambda model: model.graph.sparse_initializer.add(), "has a graph with field 15"),
    "too many nodes": (_many, "nodes; 20000 are allowed"),
    "a shape beyond its bytes": (
        _tensor(dims=[2**31], raw_data=b"1234"),
        "and their shape needs 8589934592",
    ),
    "a shape beyond its numbers": (_tensor(dims=[2**31], float_data=[1.0]), "fewer weights"),
    "an axis that runtimes pass over": (
        lambda model: model.graph.initializer.append(EMPTY_DECIMAL_AXIS),
        "has a decimal where a whole number is expected",
    ),
    "a negative shape": (_tensor(dims=[-1], raw_data=b"1234"), "of 4 bytes"),
    "a shape of many axes": (_tensor(dims=[1] * 9, raw_data=b"1234"), "of a type or shape that is not read"),
    "texts": (_tensor(dims=[1], string_data=[b"text"]), "has a tensor with field 6"),
    "a constant beyond its bytes": (_node("Constant", value=HUGE), "shape needs 4398046511104"),
}


def _refusal(model: bytes, limits: GraphLimits) -> str:
    """What is wrong; empty where nothing is."""
    try:
        check_graph(model, limits)
    except WireError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("case", ODD)
def test_a_model_with_something_odd_is_refused_with_what_it_is(case: str) -> None:
    change, sentence = ODD[case]
    model = onnx.load_from_string(MIL)
    change(model)
    with pytest.raises(WireError) as refused:
        check_graph(model.SerializeToString(), LIMITS)
    assert sentence in str(refused.value)
    with pytest.raises(BadBundleError, match=r"^mil\.onnx is no model that is read: it "):
        OnnxMil(model.SerializeToString())


def test_the_models_that_ship_pass() -> None:
    check_graph(MIL, GraphLimits(MIL_MODEL, 18))
    check_graph((DEFAULT_ENCODER / "encoder.onnx").read_bytes(), LIMITS)
    with pytest.raises(WireError, match="has 18 nodes; 17 are allowed"):
        check_graph(MIL, GraphLimits(MIL_MODEL, 17))


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"offset": "8", "length": "24"}, ""),
        ({}, ""),
        ({"offset": "9"}, "that encoder.onnx.data does not hold"),
        ({"length": "4"}, "that encoder.onnx.data does not hold"),
        ({"offset": "-8"}, "at a place that is no number"),
    ],
)
def test_weights_of_an_encoder_may_lie_in_its_own_file_within_its_size(entries: dict[str, str], sentence: str) -> None:
    model = onnx.load_from_string(MIL)
    _outside(DATA_FILE, **entries)(model)
    refusal = _refusal(model.SerializeToString(), GraphLimits(NETWORK, MAX_NODES, DATA_FILE, data_bytes=32))
    assert refusal.endswith(sentence)
    assert bool(refusal) == bool(sentence)


def test_what_onnx_runtime_reads_as_its_own_format_is_refused() -> None:
    with pytest.raises(WireError, match="in the format of ONNX Runtime"):
        check_graph(b"\x12\xff\x7f\x00ORTM", LIMITS)


def test_of_packed_numbers_none_is_read_before_it_is_wanted() -> None:
    packed = numbers([memoryview(b"\x07\xff")])
    assert next(packed) == 7
    with pytest.raises(WireError, match="ends in the middle of a number"):
        next(packed)


@given(at=st.integers(0, len(MIL) - 1), flip=st.integers(1, 255), cut=st.booleans())
def test_an_altered_model_passes_or_is_refused_in_a_sentence(at: int, flip: int, cut: bool) -> None:
    altered = bytearray(MIL[: at if cut else None])
    if not cut:
        altered[at] ^= flip
    assert (_refusal(bytes(altered), LIMITS) or "is read").startswith(("has ", "is ", "ends ", "asks "))
