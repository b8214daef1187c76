"""How an encoder is fine-tuned, and which rate of learning each epoch has."""

from dataclasses import asdict, dataclass
from math import cos, pi
from typing import Any, Literal

Precision = Literal["auto", "full", "bfloat16"]


@dataclass(frozen=True)
class Settings:
    """Everything that the result depends on, beside the data and the encoder that it starts from."""

    epochs: int = 15
    patience: int = 4
    """Epochs without gain on the patients held out, after which training stops."""
    share: float = 0.5
    """Of the encoder's layers, counted from the last, that are trained."""
    rate: float = 1e-5
    """Of layers and head; the head starts as a probe that has converged."""
    pull: float = 0.1
    """Penalty of half the squared distance of all trained weights to where they start (L2-SP)."""
    rank: int = 8
    """Of the adapters of a transformer."""
    batch: int = 32
    """Tiles of one step, over all processes."""
    folds: int = 3
    """Parts of the patients; each is predicted by an encoder that has not seen it, which decides what is exported."""
    held_out: float = 0.25
    """Of the patients outside a fold, the share that says when to stop and how far to go from the start."""
    most: int = 200
    """Tiles of one patient and epoch, drawn anew each time, so that nobody outweighs the others."""
    top: int = 32
    """Of a patient known by outcome alone: the most attended tiles, from which `drawn` are taken in each step."""
    drawn: int = 8
    unlabelled_epochs: int = 5
    """Over the tiles without labels, where there are any, before the labels are learned."""
    unlabelled_rate: float = 1e-4
    stain: float = 0.05
    scale: float = 0.1
    precision: Precision = "auto"
    """`auto` is bfloat16 on a GPU and full on a CPU."""
    seed: int = 1

    def as_json(self) -> dict[str, Any]:
        """All of it, by name."""
        return asdict(self)

    def rate_of(self, epoch: int) -> float:
        """Rate in epoch 1, 2, …: it falls along half a cosine."""
        return self.rate * (1 + cos(pi * (epoch - 1) / self.epochs)) / 2

    def over(self, epoch: int, best: int) -> bool:
        """Whether to stop after an epoch, where `best` was the best so far."""
        return epoch >= self.epochs or epoch - best >= self.patience
