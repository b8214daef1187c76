"""A linear probe on features that do not change: trained until it converges, its ridge chosen on patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from services.trainer.finetune.targets import Targets
from services.trainer.finetune.task import Head, Task
from services.trainer.folds import grouped_folds
from shared.arrays import Flags, Floats, Ints

RIDGES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Penalty of a squared weight, on standardised features and a mean loss."""
_USUAL = 0.3
"""Where patients are too few to choose."""
_FOLDS = 3
_MOST_STEPS = 500


@dataclass(frozen=True, eq=False)
class Scale:
    """What features are measured by; axes that never change stay as they are."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, features: Floats) -> Self:
        """Mean and standard deviation of features [n, d]."""
        deviation = features.std(axis=0)
        return cls(features.mean(axis=0), np.where(deviation > 1e-6, deviation, 1.0))

    def __call__(self, features: Floats) -> Floats:
        """Standardised features [n, d]."""
        return np.asarray((features - self.mean) / self.spread, np.float64)


@dataclass(frozen=True, eq=False)
class Probe:
    """Weights on standardised features."""

    scale: Scale
    weight: Floats
    """[d, outputs]."""
    bias: Floats
    """[k]."""
    ridge: float

    def linear(self, features: Floats) -> Floats:
        """[n, outputs] of features [n, d], before the bias."""
        return np.asarray(self.scale(features) @ self.weight, np.float64)

    def logits(self, features: Floats) -> Tensor:
        """[n, k]."""
        return torch.from_numpy(self.linear(features) + self.bias)

    def head(self) -> Head:
        """The same on features as they are served."""
        weight = self.weight / self.scale.spread[:, None]
        return Head(weight, self.bias - self.scale.mean @ weight)


def probe(
    features: Floats, targets: Targets, patients: Sequence[str], trained: Flags, seed: int, scale: Scale | None = None
) -> Probe:
    """The probe of the `trained` [n] items of features [n, d], measured by `scale` or by their own."""
    index = np.flatnonzero(trained)
    ridge = _chosen_ridge(features, targets, patients, index, seed)
    return _fitted(features, targets.task(trained), index, ridge, scale or Scale.of(features[index]))


def _fitted(features: Floats, task: Task, index: Ints, ridge: float, scale: Scale) -> Probe:
    """L-BFGS with a line search: the loss is convex, so that where it starts does not matter."""
    standard = torch.from_numpy(scale(features[index]))
    weight = torch.zeros(features.shape[1], task.outputs, dtype=torch.float64, requires_grad=True)
    bias = task.start.double().clone().requires_grad_()
    total = task.weight[index].sum()
    steps = torch.optim.LBFGS([weight, bias], max_iter=_MOST_STEPS, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        steps.zero_grad()
        penalised = task.weighted(standard @ weight + bias, index) / total + ridge * weight.square().sum()
        torch.autograd.backward(penalised)
        return penalised

    steps.step(loss)  # type: ignore[no-untyped-call]
    return Probe(scale, weight.detach().numpy(), bias.detach().numpy(), ridge)


def _chosen_ridge(features: Floats, targets: Targets, patients: Sequence[str], index: Ints, seed: int) -> float:
    """The ridge of the smallest loss on patients left out."""
    names = [patients[i] for i in index]
    if len(set(names)) < _FOLDS:
        return _USUAL
    fold = grouped_folds(names, targets.strata[index], _FOLDS, np.random.default_rng([seed, 31]))
    every = set(targets.strata[index].tolist())
    fit = [k for k in np.unique(fold) if set(targets.strata[index[fold != k]].tolist()) == every]
    if not fit:
        return _USUAL
    losses = np.sum([_losses_left_out(features, targets, index[fold != k], index[fold == k]) for k in fit], axis=0)
    return RIDGES[int(np.argmin(losses))]


def _losses_left_out(features: Floats, targets: Targets, trained: Ints, tested: Ints) -> Floats:
    inside = np.zeros(len(features), np.bool_)
    inside[trained] = True
    task = targets.task(inside)
    scale = Scale.of(features[trained])
    probes = (_fitted(features, task, trained, ridge, scale) for ridge in RIDGES)
    return np.array([float(task.weighted(each.logits(features[tested]), tested)) for each in probes])
