"""Trains an ensemble of gated networks: each on its own patients, stopped by its own held-out patients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from services.trainer.cohort.cohort import Outcome
from services.trainer.cohort.embeddings import Features
from services.trainer.slides.network import Ensemble, Shape, hazard_loss
from shared.arrays import Flags, Floats, Ints

INTERVALS = 8


@dataclass(frozen=True)
class Schedule:
    """How the networks are trained; the defaults suit 80 to 400 patients."""

    epochs: int = 30
    patience: int = 6
    rate: float = 2e-2
    decay: float = 1e-2
    dropout: float = 0.25
    tiles: int = 48
    """Drawn anew from every patient in each epoch: tile dropout."""
    batch: int = 64
    held_out: float = 0.2


@dataclass(frozen=True, eq=False)
class Bags:
    """What the networks read of n patients."""

    tiles: Sequence[Features]
    """[t_i, axes] each; none for a patient without slides."""
    columns: Features | None = None
    """[n, c]."""

    def __len__(self) -> int:
        return len(self.tiles)


@dataclass(frozen=True, eq=False)
class Trained:
    """An ensemble with its weights at each network's best epoch."""

    ensemble: Ensemble
    epochs: int

    @torch.no_grad()
    def log_risk(self, bags: Bags) -> Floats:
        """[e, n] over all tiles of each patient."""
        self.ensemble.eval()
        return np.stack([self._log_risk_of(bags, i) for i in range(len(bags))], axis=1).astype(np.float64)

    def _log_risk_of(self, bags: Bags, i: int) -> Features:
        tiles, has = _whole(bags.tiles[i], self.ensemble.shape.axes)
        columns = None if bags.columns is None else torch.from_numpy(bags.columns[i : i + 1])
        return np.asarray(self.ensemble(tiles, columns, has).numpy()[:, 0])


def train(bags: Bags, outcome: Outcome, kept: Flags, schedule: Schedule, seed: int) -> Trained:
    """Train as many networks as `kept` [e, n] has rows, row by row on the patients it names."""
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng([seed, 3])
    validation = _held_out(kept, outcome.is_event, schedule.held_out, rng)
    at_risk, happened = intervals(outcome, outcome)
    axes = next((tiles.shape[1] for tiles in bags.tiles if tiles.ndim == 2), 1)
    columns = 0 if bags.columns is None else bags.columns.shape[1]
    ensemble = Ensemble(Shape(len(kept), axes, columns, at_risk.shape[1]), generator, schedule.dropout)
    with torch.no_grad():
        ensemble.hazard.add_(starting_logits(at_risk, happened))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        run = _Run(
            ensemble, bags, at_risk, happened, torch.from_numpy((kept & ~validation).astype(np.float32)), schedule, rng
        )
        return Trained(ensemble, run.until_no_better(torch.from_numpy(validation.astype(np.float32))))


@dataclass
class _Run:
    ensemble: Ensemble
    bags: Bags
    at_risk: Tensor
    happened: Tensor
    weight: Tensor
    schedule: Schedule
    rng: np.random.Generator

    def until_no_better(self, validation: Tensor) -> int:
        """Train, keep each network's best weights, stop when none got better for `patience` epochs."""
        decayed = torch.optim.AdamW(self.ensemble.parameters(), self.schedule.rate, weight_decay=self.schedule.decay)
        fixed = self._draw(np.arange(len(self.bags), dtype=np.int64))
        best = torch.full((len(validation),), torch.inf)
        state = {name: value.clone() for name, value in self.ensemble.state_dict().items()}
        last_gain, epoch = 0, 0
        for epoch in range(1, self.schedule.epochs + 1):
            self._epoch(decayed)
            loss = self._loss(fixed, validation)
            better = loss < best - 1e-4
            best = torch.where(better, loss, best)
            for name, value in self.ensemble.state_dict().items():
                state[name][better] = value[better]
            last_gain = epoch if bool(better.any()) else last_gain
            if epoch - last_gain >= self.schedule.patience:
                break
        self.ensemble.load_state_dict(state)
        return epoch

    def _epoch(self, optimizer: torch.optim.Optimizer) -> None:
        self.ensemble.train()
        order = self.rng.permutation(len(self.bags))
        parts = max(1, -(-len(order) // self.schedule.batch))
        for index in np.array_split(order, parts):
            tiles, columns, has = self._draw(index)
            losses = self._losses(tiles, columns, has, index)
            weight = self.weight[:, index]
            total = ((losses * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)).sum()
            optimizer.zero_grad()
            torch.autograd.backward(total)
            optimizer.step()

    @torch.no_grad()
    def _loss(self, drawn: tuple[Tensor, Tensor | None, Tensor], validation: Tensor) -> Tensor:
        self.ensemble.eval()
        losses = self._losses(*drawn, np.arange(len(self.bags), dtype=np.int64))
        return (losses * validation).sum(dim=1) / validation.sum(dim=1).clamp(min=1)

    def _losses(
        self,
        tiles: Tensor,
        columns: Tensor | None,
        has: Tensor,
        index: Ints,
    ) -> Tensor:
        logits = self.ensemble(tiles, columns, has)[:, :, None] + self.ensemble.hazard
        return hazard_loss(logits, self.at_risk[index], self.happened[index])

    def _draw(self, index: Ints) -> tuple[Tensor, Tensor | None, Tensor]:
        """Tiles [n, t, axes] drawn from each patient, with replacement where there are too few."""
        most = min(self.schedule.tiles, max((len(tiles) for tiles in self.bags.tiles), default=1)) or 1
        drawn = np.zeros((len(index), most, self.ensemble.shape.axes), np.float32)
        has = np.zeros(len(index), np.float32)
        for row, i in enumerate(index):
            tiles = self.bags.tiles[i]
            if len(tiles):
                drawn[row] = tiles[self.rng.choice(len(tiles), most, replace=len(tiles) < most)]
                has[row] = 1
        columns = None if self.bags.columns is None else torch.from_numpy(self.bags.columns[index])
        return torch.from_numpy(drawn), columns, torch.from_numpy(has)


def _whole(tiles: Features, axes: int) -> tuple[Tensor, Tensor]:
    if not len(tiles):
        return torch.zeros(1, 1, axes), torch.zeros(1)
    return torch.from_numpy(tiles)[None], torch.ones(1)


def _held_out(kept: Flags, is_event: Flags, share: float, rng: np.random.Generator) -> Flags:
    """For each network, a share of its patients, stratified by the event."""
    validation = np.zeros_like(kept)
    for row, mine in enumerate(kept):
        for group in (is_event, ~is_event):
            members = np.flatnonzero(mine & group)
            validation[row, rng.choice(members, round(share * len(members)), replace=False)] = True
    return validation


def intervals(outcome: Outcome, learned: Outcome) -> tuple[Tensor, Tensor]:
    """At risk and happened [n, j], for intervals with about equally many events of the training patients."""
    times = learned.time[learned.is_event]
    ends = np.unique(np.quantile(times, np.linspace(0, 1, INTERVALS + 1)[1:])) if len(times) else np.array([np.inf])
    starts = np.concatenate([[0.0], ends[:-1]])
    happened = outcome.is_event[:, None] & (outcome.time[:, None] > starts) & (outcome.time[:, None] <= ends)
    survived = outcome.time[:, None] >= ends
    at_risk = happened | survived
    return torch.from_numpy(at_risk.astype(np.float32)), torch.from_numpy(happened.astype(np.float32))


def starting_logits(at_risk: Tensor, happened: Tensor) -> Tensor:
    """Logit [j] of each interval's hazard in the cohort."""
    rate = ((happened.sum(dim=0) + 0.5) / (at_risk.sum(dim=0) + 1)).clamp(1e-4, 1 - 1e-4)
    return torch.log(rate / (1 - rate))
