"""What is learned of the items: classes of tiles, or the hazard of patients in discrete time."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from services.trainer.cohort.cohort import Outcome
from services.trainer.finetune.task import Task
from services.trainer.metrics.discrimination import harrell_c
from services.trainer.metrics.grouped_auc import macro_auc
from services.trainer.metrics.statistic import Statistic
from services.trainer.slides.training import intervals, starting_logits
from shared.arrays import Flags, Floats, Ints
from shared.model.tile_classifier import softmax


class Targets(Protocol):
    """Targets of n items."""

    @property
    def metric(self) -> str:
        """Name of the figure that judges scores."""

    @property
    def strata(self) -> Ints:
        """[n]: what patients are balanced by when they are split."""

    def task(self, trained: Flags) -> Task:
        """What a head learns; frequencies, intervals and average hazards are those of the `trained` [n]."""

    def scores(self, linear: Floats, bias: Floats) -> Floats:
        """Scores [n, k] that can be pooled over heads, of what a head gives before its bias [k] is added."""

    def discrimination(self, scores: Floats, group: Ints) -> Statistic:
        """The figure of scores [n, k] under weights of patients; group [n] is the place of each item's patient."""


@dataclass(frozen=True, eq=False)
class Classes:
    """Tell classes apart, each counting alike."""

    label: Ints
    metric: str = "macro AUC"

    @property
    def strata(self) -> Ints:
        """See Targets."""
        return self.label

    def task(self, trained: Flags) -> Task:
        """See Targets."""
        label = self.label
        counts = np.bincount(label[trained], minlength=int(label.max()) + 1).astype(np.float64)
        balanced = (trained.sum() / len(counts) / np.maximum(counts, 1))[label]
        weight = torch.from_numpy(balanced.astype(np.float32))
        return Task(len(counts), torch.zeros(len(counts)), weight, torch.from_numpy(label))

    def scores(self, linear: Floats, bias: Floats) -> Floats:
        """Probabilities [n, classes]."""
        return softmax(linear + bias)

    def discrimination(self, scores: Floats, group: Ints) -> Statistic:
        """See Targets."""
        return macro_auc(scores, self.label, group)


@dataclass(frozen=True, eq=False)
class Hazards:
    """One log-risk for all intervals; an event that competes ends observation, as in the networks of `slides/`."""

    outcome: Outcome
    metric: str = "C"

    @property
    def strata(self) -> Ints:
        """See Targets."""
        return self.outcome.is_event.astype(np.int64)

    def task(self, trained: Flags) -> Task:
        """See Targets."""
        at_risk, happened = intervals(self.outcome, self.outcome[trained])
        kept = torch.from_numpy(trained)
        start = starting_logits(at_risk[kept], happened[kept])
        return Task(1, start, torch.ones(len(self.outcome)), torch.stack([at_risk, happened]))

    def scores(self, linear: Floats, bias: Floats) -> Floats:
        """Log-risks [n, 1]; the hazards of intervals are left out."""
        del bias
        return linear

    def discrimination(self, scores: Floats, group: Ints) -> Statistic:
        """See Targets; an item is a patient, and `group` counts them in their order."""
        order = np.argsort(group)
        return harrell_c(self.outcome[order], scores[order, 0])
