"""Adds pixel preparation to a network's graph: uint8 tiles in, float32 features out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from services.embedder.manifest import INPUT, OUTPUT

Triple = tuple[float, float, float]
Interpolation = Literal["bilinear", "bicubic"]
Kernel = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Preparation:
    """The input format of a network: (pixel - mean) / std of 0-255 RGB, at its own size, channels first or last."""

    mean: Triple
    std: Triple
    layout: Literal["nchw", "nhwc"] = "nchw"
    model_px: int | None = None
    """Side that the network takes; None reads it from the graph."""
    resize_px: int | None = None
    """Side that a tile is resized to before its centre of `model_px` is cut out; None: the whole tile is taken."""
    interpolation: Interpolation = "bilinear"
    output: str | None = None
    """The output that holds features [n, dim]; None takes the first."""


def wrap(model: onnx.ModelProto, preparation: Preparation, tile_px: int) -> onnx.ModelProto:
    """Make a graph from TILES uint8 [n, tile_px, tile_px, 3] to FEATURES float32 [n, dim]; `model` is not changed.

    Raises:
        ValueError: the network does not have exactly one image input, or lacks the named output.
    """
    wrapped = onnx.ModelProto()
    wrapped.CopyFrom(model)
    graph = wrapped.graph
    image, features = _image_input(graph), _feature_output(graph, preparation.output)
    side = _side(image, preparation)
    resize = is_resized(preparation, tile_px, side)
    steps = _steps(preparation, resize, image.type.tensor_type.elem_type)
    head = _chain(steps, INPUT, image.name)
    tail = helper.make_node("Cast", [features], [OUTPUT], "features", to=TensorProto.FLOAT)
    nodes = [*head, *graph.node, tail]
    for old in (graph.node, graph.input, graph.output, graph.value_info):
        del old[:]
    graph.node.extend(nodes)
    graph.initializer.extend(_constants(preparation, tile_px, side))
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", tile_px, tile_px, 3]))
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", "dim"]))
    onnx.checker.check_model(wrapped)
    return wrapped


def is_resized(preparation: Preparation, tile_px: int, model_px: int) -> bool:
    """Whether a tile has other pixels than the network takes."""
    return model_px != tile_px or preparation.resize_px not in {None, tile_px}


def axis_matrix(preparation: Preparation, tile_px: int, model_px: int) -> NDArray[np.float32]:
    """Weights [model_px, tile_px] that resize one axis of a tile and cut out its centre."""
    resized_px = preparation.resize_px or model_px
    first = (resized_px - model_px) // 2
    return resize_matrix(resized_px, tile_px, preparation.interpolation)[first : first + model_px]


def resize_matrix(target: int, source: int, interpolation: Interpolation = "bilinear") -> NDArray[np.float32]:
    """Weights [target, source] of an antialiased resize of one axis; every row sums to one.

    A filter as wide as one target pixel (at least one source pixel), centred on it, as Pillow's BILINEAR and BICUBIC.
    As a matrix product it gives the same numbers in every runtime, which the Resize operator does not guarantee.
    """
    scale = source / target
    centres = (np.arange(target) + 0.5) * scale
    distance = np.abs(np.arange(source) + 0.5 - centres[:, np.newaxis]) / max(scale, 1.0)
    weights = _KERNELS[interpolation](distance)
    normalised: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised


def _triangle(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(1.0 - distance, 0.0, None)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution with a = -0.5 (IEEE TASSP 29(6), 1981), which Pillow uses."""
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))


_KERNELS: Mapping[Interpolation, Kernel] = {"bilinear": _triangle, "bicubic": _cubic}


@dataclass(frozen=True, slots=True)
class _Step:
    """One node of a chain; its input comes between the constants `before` and `after`."""

    op: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


def _steps(preparation: Preparation, resize: bool, element_type: int) -> list[_Step]:
    """Float, channels first, rows, columns, normalised, then the network's layout and type."""
    to_size = [_Step("MatMul", before=("tiles_rows",)), _Step("MatMul", after=("tiles_columns",))]
    to_layout = [_Step("Transpose", attributes={"perm": [0, 2, 3, 1]})]
    return [
        _Step("Cast", attributes={"to": TensorProto.FLOAT}),
        _Step("Transpose", attributes={"perm": [0, 3, 1, 2]}),
        *(to_size if resize else []),
        _Step("Sub", after=("tiles_mean",)),
        _Step("Div", after=("tiles_std",)),
        *(to_layout if preparation.layout == "nhwc" else []),
        _Step("Cast", attributes={"to": element_type}),
    ]


def _chain(steps: Sequence[_Step], first: str, last: str) -> list[onnx.NodeProto]:
    names = [first, *(f"tiles_step_{i}" for i in range(1, len(steps))), last]
    return [
        helper.make_node(
            step.op, [*step.before, names[i], *step.after], [names[i + 1]], f"tiles_{i}", **step.attributes
        )
        for i, step in enumerate(steps)
    ]


def _constants(preparation: Preparation, tile_px: int, model_px: int) -> list[onnx.TensorProto]:
    resize = axis_matrix(preparation, tile_px, model_px)
    arrays = {
        "tiles_rows": resize,
        "tiles_columns": np.ascontiguousarray(resize.T),
        "tiles_mean": np.array(preparation.mean, np.float32).reshape(3, 1, 1),
        "tiles_std": np.array(preparation.std, np.float32).reshape(3, 1, 1),
    }
    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]


def _image_input(graph: onnx.GraphProto) -> onnx.ValueInfoProto:
    weights = {constant.name for constant in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1 or len(inputs[0].type.tensor_type.shape.dim) != 4:
        raise ValueError(f"the network must have one input of four axes; it has {[value.name for value in inputs]}")
    return inputs[0]


def _feature_output(graph: onnx.GraphProto, name: str | None) -> str:
    names = [value.name for value in graph.output]
    if not names or name not in {None, *names}:
        raise ValueError(f"the network has no output {name!r}; it has {names}")
    return name or names[0]


def _side(image: onnx.ValueInfoProto, preparation: Preparation) -> int:
    """Input side of the network in pixels: `model_px` if given, else the one its input states."""
    axis = 2 if preparation.layout == "nchw" else 1
    side = preparation.model_px or image.type.tensor_type.shape.dim[axis].dim_value
    if side <= 0:
        raise ValueError("the network does not state its input size; give it with --input-px")
    return side
