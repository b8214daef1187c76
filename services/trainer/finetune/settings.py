"""How an encoder is fine-tuned, and which rate of learning each epoch has."""

from dataclasses import asdict, dataclass
from math import cos, pi
from typing import Any, Literal

Precision = Literal["auto", "full", "bfloat16"]


@dataclass(frozen=True)
class Settings:
    """Everything that the result depends on, beside the data and the encoder that it starts from."""

    epochs: int = 20
    frozen_epochs: int = 5
    """Epochs at the start in which only the new head is trained."""
    patience: int = 5
    """Epochs without gain on the held-out patients, after which training stops."""
    share: float = 0.5
    """Of the encoder's convolutions, counted from the last, that are trained after that."""
    rate: float = 1e-4
    head_rate: float = 5e-3
    decay: float = 1e-2
    batch: int = 32
    """Tiles of one step, over all processes."""
    held_out: float = 0.2
    """Share of the patients that say when to stop."""
    most: int = 200
    """Tiles of one patient and epoch, drawn anew each time, so that nobody outweighs the others."""
    top: int = 32
    """Of a patient known by outcome alone: the most attended tiles, from which `drawn` are taken in each step."""
    drawn: int = 8
    stain: float = 0.05
    scale: float = 0.1
    precision: Precision = "auto"
    """`auto` is bfloat16 on a GPU and full on a CPU."""
    seed: int = 1

    def as_json(self) -> dict[str, Any]:
        """All of it, by name."""
        return asdict(self)

    def trained_share(self, epoch: int) -> float:
        """Share of the encoder's convolutions that epoch 1, 2, … trains."""
        return 0.0 if epoch <= self.frozen_epochs else self.share

    def rates(self, epoch: int) -> tuple[float, float]:
        """Rates of head and encoder in epoch 1, 2, …: the encoder's is 0, then falls along half a cosine."""
        if epoch <= self.frozen_epochs:
            return self.head_rate, 0.0
        after, of = epoch - self.frozen_epochs - 1, max(self.epochs - self.frozen_epochs, 1)
        left = (1 + cos(pi * after / of)) / 2
        return self.head_rate * left, self.rate * left

    def over(self, epoch: int, best: int) -> bool:
        """Whether to stop after an epoch, where `best` was the best one so far."""
        return epoch >= self.epochs or epoch - max(best, self.frozen_epochs) >= self.patience
