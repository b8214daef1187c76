"""A network of torch as an ONNX graph, its weights in float32 or stored in float16."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir
import torch

from services.embedder.conversion import Precision
from services.embedder.manifest import INPUT, OUTPUT
from services.standalone.encoders.prepared import Prepared

OPSET = 18
_SMALLEST_HALVED = 1024
"""Weights of fewer numbers stay in float32."""


@dataclass(frozen=True)
class OnnxGraph:
    """A graph from TILES to FEATURES."""

    model: ir.Model

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights."""
        return sum(value.const_value.nbytes for value in self.model.graph.initializers.values() if value.const_value)

    def save(self, path: Path, data: str | None = None) -> None:
        """Write the graph, its weights into the file `data` beside it where one is named."""
        ir.save(self.model, path, external_data=data)


def to_onnx(network: Prepared, tile_px: int, precision: Precision) -> OnnxGraph:
    """Export with a free number of tiles."""
    example = torch.zeros((2, tile_px, tile_px, 3), dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes={"tiles": {0: torch.export.Dim("n")}},
            verbose=False,
        )
    if program is None:
        raise TypeError("torch.onnx.export gave no program")
    if precision == "float16":
        _store_in_float16(program.model.graph)
    return OnnxGraph(program.model)


def _store_in_float16(graph: ir.Graph) -> None:
    """Replace large float32 weights by float16 ones, each with a cast back that runtimes fold when they load."""
    for weight in list(graph.initializers.values()):
        tensor = weight.const_value
        if tensor is not None and tensor.dtype == ir.DataType.FLOAT and tensor.size >= _SMALLEST_HALVED:
            _halve(graph, weight, tensor.numpy())


def _halve(graph: ir.Graph, weight: ir.Value, values: np.ndarray) -> None:
    name = str(weight.name)
    halved = ir.val(f"{name}_float16", const_value=ir.tensor(values.astype(np.float16), name=f"{name}_float16"))
    cast = ir.node("Cast", [halved], attributes={"to": ir.DataType.FLOAT}, name=f"{name}_to_float32")
    del graph.initializers[name]
    weight.replace_all_uses_with(cast.outputs[0])
    cast.outputs[0].name, weight.name = name, None
    graph.register_initializer(halved)
    graph.insert_before(graph[0], cast)
