"""Small networks as an operator might bring them."""

from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def small_network(
    path: Path, px: int | str = 8, layout: Literal["nchw", "nhwc"] = "nchw", element: int = TensorProto.FLOAT
) -> Path:
    """A network whose three features are the means of its input's channels; it has a second output [n]."""
    axes = [2, 3] if layout == "nchw" else [1, 2]
    shape = ["n", 3, px, px] if layout == "nchw" else ["n", px, px, 3]
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["means"], axes=axes, keepdims=0),
        helper.make_node("ReduceSum", ["means", "one"], ["sums"], keepdims=0),
    ]
    outputs = [
        helper.make_tensor_value_info("means", element, ["n", 3]),
        helper.make_tensor_value_info("sums", element, ["n"]),
    ]
    constant = numpy_helper.from_array(np.array([1], np.int64), "one")
    image = helper.make_tensor_value_info("image", element, shape)
    graph = helper.make_graph(nodes, "small", [image], outputs, [constant])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def weights_outside(model: Path, location: str, **entries: str) -> None:
    """Name another file for the weights of a model; they are written into `NAME.data` beside it.

    Whole numbers only where there is nothing else: runtimes want those of shapes at hand.
    """
    network = onnx.load(model)
    data, every = bytearray(), network.graph.initializer
    for weight in [weight for weight in every if weight.data_type == TensorProto.FLOAT] or every:
        raw, named = numpy_helper.to_array(weight).tobytes(), {"location": location, "offset": str(len(data))}
        for field in ("int64_data", "float_data", "int32_data", "raw_data"):
            weight.ClearField(field)
        weight.data_location = TensorProto.EXTERNAL
        for key, value in {**named, "length": str(len(raw)), **entries}.items():
            weight.external_data.add(key=key, value=value)
        data += raw
    model.write_bytes(network.SerializeToString())
    model.with_name(f"{model.name}.data").write_bytes(data)


def save_unwrapped(wrapped: Path, px: int, out: Path) -> None:
    """Take what `wrap` added off an encoder again."""
    model = onnx.load(wrapped)
    nodes = [node for node in model.graph.node if not node.name.startswith("tiles_") and node.name != "features"]
    weights = [weight for weight in model.graph.initializer if not weight.name.startswith("tiles_")]
    for old in (model.graph.node, model.graph.initializer, model.graph.input, model.graph.output):
        del old[:]
    model.graph.initializer.extend(weights)
    model.graph.node.extend(nodes)
    model.graph.input.append(helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, px, px]))
    model.graph.output.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 1280]))
    onnx.save(model, out)
