"""A network of torch as an ONNX graph, its weights in float32 or stored in float16."""

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir
import torch

from services.embedder.conversion import Precision
from services.embedder.manifest import INPUT, OUTPUT
from services.standalone.encoders.errors import BadNetworkError, first_line
from services.standalone.encoders.prepared import Prepared

OPSET = 18
MOST_BYTES = 2_000_000_000
"""Weights that one ONNX file can hold: protobuf ends at 2 GiB."""
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
    """Export with a free number of tiles.

    Raises:
        BadNetworkError: the network cannot be traced, or only for one number of tiles.
    """
    tiles = torch.zeros((2, tile_px, tile_px, 3), dtype=torch.uint8)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            model = _scripted(network, tiles) if _is_script(network) else _exported(network, tiles)
    except Exception as error:  # torch raises anything for a network that it cannot trace
        raise BadNetworkError(f"torch cannot export the network: {first_line(error)}") from error
    shape = model.graph.inputs[0].shape
    if shape is None or isinstance(shape[0], int):
        raise BadNetworkError("the network takes a fixed number of tiles alone")
    _forget_origin(model)
    if precision == "float16":
        _store_in_float16(model.graph)
    return OnnxGraph(model)


def _exported(network: Prepared, tiles: torch.Tensor) -> ir.Model:
    program = torch.onnx.export(
        network,
        (tiles,),
        dynamo=True,
        opset_version=OPSET,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes={"tiles": {0: torch.export.Dim("n")}},
        verbose=False,
    )
    if program is None:
        raise BadNetworkError("torch exported nothing")
    return program.model


def _is_script(network: Prepared) -> bool:
    return any(isinstance(module, torch.jit.ScriptModule) for module in network.modules())


def _scripted(network: Prepared, tiles: torch.Tensor) -> ir.Model:
    """Export by the older exporter, since the other one takes no TorchScript."""
    free = {name: {0: "n"} for name in (INPUT, OUTPUT)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        torch.onnx.export(
            traced(network, tiles),
            (tiles,),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes=free,
        )
        return ir.external_data.load_to_model(ir.load(path))


def traced(network: Prepared, tiles: torch.Tensor) -> torch.jit.ScriptModule:
    """The network as TorchScript, for any number of tiles."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        script: torch.jit.ScriptModule = torch.jit.trace(network, (tiles,))  # type: ignore[no-untyped-call]
    return script


def _forget_origin(model: ir.Model) -> None:
    """Remove where in the source of torch each node comes from: the same network gives the same bytes everywhere."""
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
    for node in model.graph:
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()


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
