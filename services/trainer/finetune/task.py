"""An encoder with a linear head, and what the head is asked for."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from services.trainer.slides.network import hazard_loss
from shared.arrays import Floats, Ints


@dataclass(frozen=True, eq=False)
class Task:
    """Targets of n items; the head gives `outputs` numbers, to which `start` is added to make logits."""

    outputs: int
    start: Tensor
    """[k]: logits of an item of which nothing is known."""
    weight: Tensor
    """[n]: how much each item counts."""
    target: Tensor
    """[n] places of classes, or [2, n, intervals] at risk and happened."""

    def losses(self, logits: Tensor, index: Ints) -> Tensor:
        """Losses [m], not weighted, of logits [m, k] of the items `index` [m]."""
        device = logits.device
        if self.target.dim() == 1:
            return nn.functional.cross_entropy(logits, self.target[index].to(device), reduction="none")
        at_risk, happened = (part[index].to(device) for part in self.target)
        return hazard_loss(logits[None], at_risk, happened)[0]

    def weighted(self, logits: Tensor, index: Ints) -> Tensor:
        """The sum of weighted losses over the items `index`."""
        losses = self.losses(logits, index)
        return (losses * self.weight[index].to(losses.device)).sum()

    def mean_loss(self, logits: Tensor, index: Ints) -> float:
        """The weighted mean over the items `index` [m] of logits [m, k]."""
        return float(self.weighted(logits, index) / self.weight[index].sum())


def mean_features(encoder: nn.Module, tiles: Tensor, items: int) -> Tensor:
    """Mean features [items, d] of tiles [items * t, px, px, 3]; an item's tiles are consecutive."""
    features: Tensor = encoder(tiles)
    return features.reshape(items, len(tiles) // items, -1).mean(dim=1)


@dataclass(frozen=True, eq=False)
class Head:
    """A linear head on features [n, d] as they are served."""

    weight: Floats
    """[d, outputs]."""
    bias: Floats
    """[k]."""

    def linear(self, features: Floats) -> Floats:
        """[n, outputs], before the bias."""
        return np.asarray(features @ self.weight, np.float64)

    def logits(self, features: Floats) -> Floats:
        """[n, k]."""
        return self.linear(features) + self.bias


class Model(nn.Module):
    """An encoder and a linear head on the mean of an item's features, standardised."""

    def __init__(self, encoder: nn.Module, width: int, task: Task) -> None:
        super().__init__()
        self.encoder = encoder
        self.weight = nn.Parameter(torch.zeros(width, task.outputs))
        self.bias = nn.Parameter(task.start.clone())
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.mean: Tensor
        self.spread: Tensor

    def forward(self, tiles: Tensor, items: int) -> Tensor:
        """Logits [items, k] of tiles as for `mean_features`."""
        standard = (mean_features(self.encoder, tiles, items) - self.mean) / self.spread
        return standard @ self.weight + self.bias

    def head(self) -> Head:
        """The head, standardisation included."""
        scaled = (self.weight / self.spread[:, None]).detach().double().cpu().numpy()
        return Head(scaled, self.bias.detach().double().cpu().numpy() - self.mean.double().cpu().numpy() @ scaled)
