"""An encoder's ONNX graph as a torch module: the same steps, its last layers trainable, and back again."""

from collections.abc import Mapping

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from services.trainer.finetune.graph import read_graph
from services.trainer.finetune.operations import OPERATIONS

State = Mapping[str, Tensor]
"""Weights by name."""
RANK = 8
_SCALE = 16.0
"""What the product of an adapter is multiplied by: an adapter of rank 8 then moves a layer about as fast as its rate
moves the weights of a convolution."""


class Adapter(nn.Module):
    """A change of low rank to a matrix, which starts as none: LoRA, Hu et al., ICLR 2022 (arXiv 2106.09685)."""

    def __init__(self, rows: int, columns: int, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rows, rank, generator=generator) / rows**0.5, requires_grad=False)
        self.up = nn.Parameter(torch.zeros(rank, columns), requires_grad=False)

    def forward(self) -> Tensor:
        """The change [rows, columns]."""
        return _SCALE * (self.down @ self.up)


class Encoder(nn.Module):
    """A wrapped graph, uint8 or float tiles [n, px, px, 3] of 0 to 255 in, features float32 [n, dim] out.

    Batch normalisation is folded into the convolutions of what is served, so there are no running statistics: small
    batches do no harm, and training and serving compute the same. Of a transformer adapters are trained, which
    `weights` and `to_onnx` merge into its linear layers.
    """

    def __init__(self, model: bytes, rank: int = RANK, seed: int = 1) -> None:
        """Read a graph.

        Raises:
            UntrainableEncoderError: it cannot be trained.
        """
        super().__init__()
        self._graph = read_graph(model)
        self.layers = self._graph.layers
        self._held = {name: f"value_{i}" for i, name in enumerate(sorted(self._graph.constants))}
        self._numbers: dict[str, Tensor] = {}
        """Sizes and bounds, which stay on the CPU wherever the encoder runs."""
        self._adapters = nn.ModuleDict()
        self._register()
        if self._graph.attends:
            generator = torch.Generator().manual_seed(seed)
            for (name,) in self.layers:
                rows, columns = self._graph.constants[name].shape
                self._adapters[self._held[name]] = Adapter(rows, columns, rank, generator)

    def _register(self) -> None:
        trained = set() if self._graph.attends else {name for layer in self.layers for name in layer}
        for name, value in self._graph.constants.items():
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
        values = {self._graph.input: tiles, **self._numbers}
        for step in self._graph.steps:
            inputs = [values[name] if name in values else self._weight(name) for name in step.inputs]
            result = OPERATIONS[step.operation](inputs, step.attributes)
            values.update(zip(step.outputs, result if isinstance(result, tuple) else (result,), strict=True))
        return values[self._graph.output].float()

    def train_last(self, share: float) -> list[nn.Parameter]:
        """Let the last `share` of the layers be trained, the others not; the parameters that are."""
        first = len(self.layers) - round(share * len(self.layers))
        for place, layer in enumerate(self.layers):
            for name in layer:
                for parameter in self._trained_by(self._held[name]):
                    parameter.requires_grad_(place >= first)
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def weights(self) -> dict[str, Tensor]:
        """Weights of the layers that are trained, adapters merged, on the CPU."""
        names = [self._held[name] for layer in self.layers for name in layer]
        trained = [name for name in names if any(item.requires_grad for item in self._trained_by(name))]
        return {name: self._merged(name).detach().cpu().clone() for name in trained}

    def load_weights(self, weights: State) -> None:
        """Take weights as `weights` gives them, rounded where the file keeps halves; adapters start as no change."""
        halved = {self._held[name] for name in self._graph.stored if name in self._held}
        with torch.no_grad():
            for name, value in weights.items():
                getattr(self, name).copy_(value.half() if name in halved else value)
                if name in self._adapters:
                    self._adapters[name].get_parameter("up").zero_()

    def to_onnx(self) -> bytes:
        """The graph that was read, with the weights as they are now; nothing else of it changes."""
        model = onnx.ModelProto()
        model.CopyFrom(self._graph.model)
        trained = {self._graph.stored.get(name, name): name for layer in self.layers for name in layer}
        for constant in model.graph.initializer:
            if constant.name in trained:
                value = self._merged(self._held[trained[constant.name]]).detach().cpu().float().numpy()
                kind = onnx.helper.tensor_dtype_to_np_dtype(constant.data_type)
                constant.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value.astype(kind)), constant.name))
        return bytes(model.SerializeToString(deterministic=True))

    def _weight(self, name: str) -> Tensor:
        return self._merged(self._held[name])

    def _merged(self, held: str) -> Tensor:
        weight: Tensor = getattr(self, held)
        if held not in self._adapters:
            return weight
        change: Tensor = self._adapters[held]()
        return weight + change

    def _trained_by(self, held: str) -> list[nn.Parameter]:
        if held in self._adapters:
            return list(self._adapters[held].parameters())
        value = getattr(self, held)
        return [value] if isinstance(value, nn.Parameter) else []


def mixed(start: State, end: State, share: float) -> dict[str, Tensor]:
    """Weights on the straight line between two: `share` 0 is the start, 1 the end. Wortsman et al., CVPR 2022."""
    return {name: torch.lerp(value, end[name], share) for name, value in start.items()}


def averaged(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of several states of one network: a model soup, Wortsman et al., ICML 2022 (arXiv 2203.05482)."""
    return {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]}
