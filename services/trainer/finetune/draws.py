"""Which tiles each step sees: drawn from seed and epoch alone, so that a stopped run draws the same ones again."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from services.trainer.finetune.augment import draw
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.tile_dataset import Item, Pixels, decode
from shared.arrays import Ints

_KEPT_BYTES = 2**30
"""Decoded tiles that are kept in memory."""
_AHEAD = 2


@dataclass(frozen=True, eq=False)
class Batch:
    """Items of one step, and their tiles one item after the other."""

    index: Ints
    """[m] places of the items."""
    tiles: tuple[tuple[int, int], ...]
    """Item and tile of each."""


@dataclass(eq=False)
class Pictures:
    """Tiles by item and place, decoded once and kept as long as there is room."""

    items: Sequence[Item]
    px: int
    _kept: dict[Path, Pixels] = field(default_factory=dict)

    def read(self, tiles: Sequence[tuple[int, int]], pool: ThreadPoolExecutor) -> Tensor:
        """uint8 [n, px, px, 3]."""
        paths = [self.items[item].files[tile] for item, tile in tiles]
        return torch.from_numpy(np.stack(list(pool.map(self._picture, paths))))

    def _picture(self, path: Path) -> Pixels:
        pixels = self._kept.get(path)
        if pixels is None:
            pixels = decode(path, self.px)
            if len(self._kept) * pixels.nbytes < _KEPT_BYTES:
                self._kept[path] = pixels
        return pixels


def batches(items: Sequence[Item], chosen: Ints, settings: Settings, epoch: int) -> list[Batch]:
    """The steps of one epoch over the chosen items."""
    rng = np.random.default_rng([settings.seed, 43, epoch])
    order = rng.permutation(_some_of_each(items, chosen, settings.most, rng))
    count = _tiles_of_one(items, settings)
    size = max(1, settings.batch // count)
    parts = np.array_split(order, max(1, -(-len(order) // size)))
    return [Batch(part, _drawn(items, part, count, rng)) for part in parts]


def whole(items: Sequence[Item], chosen: Ints, settings: Settings) -> list[Batch]:
    """Steps over all tiles of the chosen items, as they are; one item a step where items differ in their tiles."""
    alike = len({len(items[i].files) for i in chosen}) == 1
    size = max(1, settings.batch // len(items[chosen[0]].files)) if alike else 1
    parts = np.array_split(chosen, max(1, -(-len(chosen) // size)))
    return [Batch(part, tuple((int(i), t) for i in part for t in range(len(items[i].files)))) for part in parts]


def shared_out(steps: Sequence[Batch], rank: int, world: int) -> list[Batch]:
    """One process's part of each step; a process without an item of its own gets one that the caller weighs 0."""
    return [_share(batch, rank, world) for batch in steps]


def pictured(steps: Sequence[Batch], pictures: Pictures) -> Iterator[Tensor]:
    """Tiles of each batch as they are, uint8 [n, px, px, 3]; the next batch is read meanwhile."""
    with ThreadPoolExecutor() as pool, ThreadPoolExecutor(1) as ahead:
        coming = deque[Future[Tensor]]()
        for batch in steps:
            coming.append(ahead.submit(pictures.read, batch.tiles, pool))
            if len(coming) == _AHEAD:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def views(batch: Batch, tiles: Tensor, settings: Settings, epoch: int) -> Tensor:
    """The tiles of a step as this epoch sees them."""
    keys = [(settings.seed, 47, epoch, item, tile) for item, tile in batch.tiles]
    return draw(keys, settings.stain, settings.scale)(tiles)


def _share(batch: Batch, rank: int, world: int) -> Batch:
    mine = batch.index[rank::world]
    if not len(mine):
        mine = batch.index[:1]
    each = len(batch.tiles) // len(batch.index)
    places = {int(item): at for at, item in enumerate(batch.index)}
    tiles = tuple(batch.tiles[places[int(item)] * each + t] for item in mine for t in range(each))
    return Batch(mine, tiles)


def _some_of_each(items: Sequence[Item], chosen: Ints, most: int, rng: np.random.Generator) -> Ints:
    by_patient: dict[str, list[int]] = {}
    for i in chosen.tolist():
        by_patient.setdefault(items[i].patient, []).append(i)
    chosen_of_each = [
        rng.permutation(positions)[:most] if len(positions) > most else np.array(positions)
        for positions in by_patient.values()
    ]
    return np.concatenate(chosen_of_each).astype(np.int64)


def _tiles_of_one(items: Sequence[Item], settings: Settings) -> int:
    return min(settings.drawn, max(len(item.files) for item in items))


def _drawn(items: Sequence[Item], part: Ints, count: int, rng: np.random.Generator) -> tuple[tuple[int, int], ...]:
    drawn = []
    for i in part.tolist():
        there = len(items[i].files)
        drawn += [(i, int(t)) for t in rng.choice(there, count, replace=there < count)]
    return tuple(drawn)
