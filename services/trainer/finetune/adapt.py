"""Adapts an encoder to tiles without labels: two views of a tile are to be alike, those of others not (SimCLR)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its customary name

from services.trainer.finetune.augment import draw
from services.trainer.finetune.draws import Batch, Pictures, batches, pictured
from services.trainer.finetune.network import Encoder
from services.trainer.finetune.ranks import Ranks
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.tile_dataset import Item
from services.trainer.finetune.training import Pull
from shared.progress import Advance

ADAPTED = "adapted.safetensors"
_STAIN, _SCALE = 0.15, 0.3
"""Largest change of stain and size between the views: more than when labels are learned."""
_TEMPERATURE = 0.2
_HIDDEN, _PROJECTED = 128, 64
_HEAD_RATE = 1e-3


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Tiles without labels, decoded to `px` pixels a side."""

    items: Sequence[Item]
    px: int

    def without(self, patients: Collection[str]) -> Self:
        """The tiles of other patients."""
        return replace(self, items=[item for item in self.items if item.patient not in patients])


def adapted(
    model: bytes, width: int, tiles: Unlabelled, settings: Settings, ranks: Ranks, work: Path, advance: Advance
) -> dict[str, Tensor]:
    """Weights of the file of an encoder with `width` features, adapted; the first process trains, the others read."""
    path = work / ADAPTED
    if ranks.first and not path.exists():
        encoder = Encoder(model, settings.rank, settings.seed).to(ranks.device)
        encoder.train_last(settings.share)
        _adapt(encoder, width, tiles, settings, advance)
        unfinished = path.with_suffix(".unfinished")
        save_file({name: value.contiguous() for name, value in encoder.weights().items()}, unfinished)
        unfinished.replace(path)
    ranks.wait()
    advance(1, 1)
    return load_file(path)


def _adapt(encoder: Encoder, width: int, tiles: Unlabelled, settings: Settings, advance: Advance) -> None:
    """Train the last layers under a projection that is thrown away afterwards."""
    device = next(encoder.parameters()).device
    projection = _projection(width, settings.seed).to(device)
    trained = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    pull, pictures = Pull(trained, settings.pull), Pictures(tiles.items, tiles.px)
    groups: list[dict[str, Any]] = [
        {"params": trained, "lr": settings.unlabelled_rate},
        {"params": projection.parameters()},
    ]
    optimizer = torch.optim.Adam(groups, lr=_HEAD_RATE)
    for epoch in range(1, settings.unlabelled_epochs + 1):
        steps = batches(tiles.items, np.arange(len(tiles.items)), settings, epoch)
        for step, (batch, pixels) in enumerate(zip(steps, pictured(steps, pictures), strict=True)):
            seen = _two_views(batch, pixels.to(device), settings, epoch)
            projected = [projection(encoder(view)) for view in seen]
            optimizer.zero_grad()
            torch.autograd.backward(contrast(*projected) + pull())
            optimizer.step()
            advance((epoch - 1) * len(steps) + step + 1, settings.unlabelled_epochs * len(steps))


def contrast(first: Tensor, second: Tensor) -> Tensor:
    """Mean loss of telling each view's partner from all other tiles: NT-Xent, Chen et al., ICML 2020."""
    both = F.normalize(torch.cat([first, second]), dim=1)
    alike = both @ both.T / _TEMPERATURE
    alike = alike.masked_fill(torch.eye(len(both), dtype=torch.bool, device=both.device), -torch.inf)
    partner = torch.arange(len(both), device=both.device).roll(len(first))
    return F.cross_entropy(alike, partner)


def _two_views(batch: Batch, tiles: Tensor, settings: Settings, epoch: int) -> list[Tensor]:
    keys = [[(settings.seed, 53, epoch, item, tile, view) for item, tile in batch.tiles] for view in (0, 1)]
    return [draw(key, _STAIN, _SCALE)(tiles) for key in keys]


def _projection(width: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(width, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _PROJECTED))
