"""What the head learns: classes of tiles, or the hazard of patients in discrete time."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from services.trainer.cohort.cohort import Outcome
from services.trainer.slides.network import hazard_loss
from services.trainer.slides.training import intervals, starting_logits
from shared.arrays import Flags, Ints


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


def classes(label: Ints, trained: Flags) -> Task:
    """Tell classes apart, each counting alike; frequencies are those of the `trained` [n]."""
    counts = np.bincount(label[trained], minlength=int(label.max()) + 1).astype(np.float64)
    balanced = torch.from_numpy((trained.sum() / len(counts) / counts)[label].astype(np.float32))
    return Task(len(counts), torch.zeros(len(counts)), balanced, torch.from_numpy(label))


def hazards(outcome: Outcome, trained: Flags) -> Task:
    """One log-risk for all intervals; intervals and their average hazards are those of the `trained` [n].

    An event that competes ends observation, as in the attention networks of `slides/`.
    """
    at_risk, happened = intervals(outcome, outcome[trained])
    kept = torch.from_numpy(trained)
    start = starting_logits(at_risk[kept], happened[kept])
    return Task(1, start, torch.ones(len(outcome)), torch.stack([at_risk, happened]))


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

    def features(self, tiles: Tensor, items: int) -> Tensor:
        """Mean features [items, d] of tiles [items * t, px, px, 3]."""
        features: Tensor = self.encoder(tiles)
        return features.reshape(items, len(tiles) // items, -1).mean(dim=1)

    def forward(self, tiles: Tensor, items: int) -> Tensor:
        """Logits [items, k]; an item's tiles are consecutive."""
        standard = (self.features(tiles, items) - self.mean) / self.spread
        return standard @ self.weight + self.bias

    def standardise(self, mean: Tensor, spread: Tensor) -> None:
        """Set what features are measured by; axes that never change stay as they are."""
        self.mean.copy_(mean)
        self.spread.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)) * len(spread) ** 0.5)
