"""Features and losses of items as they are, read by all processes together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from services.trainer.finetune.draws import Pictures, pictured, whole
from services.trainer.finetune.ranks import Ranks
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.task import Model, Task, mean_features
from services.trainer.finetune.tile_dataset import Item
from shared.arrays import Floats, Ints


@dataclass(frozen=True, eq=False)
class Reader:
    """The items of a run, and the processes that read them."""

    items: Sequence[Item]
    px: int
    width: int
    """Features of the encoder."""
    settings: Settings
    ranks: Ranks
    pictures: Pictures = field(init=False)

    def __post_init__(self) -> None:
        """Keep tiles that were decoded."""
        object.__setattr__(self, "pictures", Pictures(self.items, self.px))

    @torch.no_grad()
    def features(self, encoder: nn.Module, index: Ints) -> Floats:
        """Mean features [n, d] of the items `index`; the rows of others are 0."""
        rows = torch.zeros(len(self.items), self.width, dtype=torch.float64, device=self.ranks.device)
        steps = whole(self.items, index, self.settings)[self.ranks.rank :: self.ranks.world]
        for batch, tiles in zip(steps, pictured(steps, self.pictures), strict=True):
            with self.autocast():
                features = mean_features(encoder, tiles.to(self.ranks.device), len(batch.index))
            rows[torch.from_numpy(batch.index)] = features.double()
        return np.asarray(self.ranks.sum(rows).cpu().numpy(), np.float64)

    def loss(self, model: Model, task: Task, index: Ints) -> float:
        """The mean loss of the items `index`."""
        logits = torch.from_numpy(model.head().logits(self.features(model.encoder, index)[index]))
        return task.mean_loss(logits, index)

    def autocast(self) -> torch.autocast:
        """Half precision where the settings ask for it."""
        device, wanted = self.ranks.device.type, self.settings.precision
        half = wanted == "bfloat16" or (wanted == "auto" and device == "cuda")
        return torch.autocast(device, torch.bfloat16, enabled=half)

    def logits(self, model: nn.Module, tiles: Tensor, items: int) -> Tensor:
        """Logits [items, k] of tiles that are seen."""
        with self.autocast():
            logits: Tensor = model(tiles, items)
        return logits.float()
