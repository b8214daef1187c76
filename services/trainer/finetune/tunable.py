"""An encoder with its head: which weights are trained, and how they are taken and put back."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from services.trainer.finetune.network import Encoder, State
from services.trainer.finetune.probe import Probe
from services.trainer.finetune.reader import Reader
from services.trainer.finetune.task import Head, Model, Task

_ENCODER, _HEAD = "encoder/", "head/"


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of an encoder's trained layers, and a head on what it then gives."""

    encoder: dict[str, Tensor]
    head: Head


@dataclass(frozen=True, eq=False)
class Tunable:
    """A model whose head and last layers are trained."""

    model: Model
    encoder: Encoder

    @classmethod
    def of(cls, model: bytes, probe: Probe, task: Task, reader: Reader) -> Self:
        """The encoder of a file with a probe as its head, where the reader runs."""
        encoder = Encoder(model, reader.settings.rank, reader.settings.seed)
        encoder.train_last(reader.settings.share)
        tunable = cls(Model(encoder, reader.width, task).to(reader.ranks.device), encoder)
        tunable.load_head(probe)
        return tunable

    def load_head(self, probe: Probe) -> None:
        """Take a probe as the head, and what its features are measured by."""
        values = (probe.weight, probe.bias, probe.scale.mean, probe.scale.spread)
        model = self.model
        with torch.no_grad():
            for held, value in zip((model.weight, model.bias, model.mean, model.spread), values, strict=True):
                held.copy_(torch.from_numpy(value))

    def trained(self) -> list[nn.Parameter]:
        """Parameters that are trained."""
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def weights(self) -> dict[str, Tensor]:
        """All trained weights, adapters merged, on the CPU; the head's are on standardised features."""
        encoder = {_ENCODER + name: value for name, value in self.encoder.weights().items()}
        head = {_HEAD + "weight": self.model.weight, _HEAD + "bias": self.model.bias}
        return encoder | {name: value.detach().cpu().clone() for name, value in head.items()}

    def load_weights(self, weights: State) -> None:
        """Take weights as `weights` gives them."""
        by_kind = {
            kind: {name.removeprefix(kind): value for name, value in weights.items() if name.startswith(kind)}
            for kind in (_ENCODER, _HEAD)
        }
        self.encoder.load_weights(by_kind[_ENCODER])
        self.model.weight.data.copy_(by_kind[_HEAD]["weight"])
        self.model.bias.data.copy_(by_kind[_HEAD]["bias"])

    def taken(self) -> Weights:
        """Weights and head as they are now."""
        return Weights(self.encoder.weights(), self.model.head())
