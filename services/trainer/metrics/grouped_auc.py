"""Discrimination of tiles when their patients are drawn again: a tile counts as often as its patient was drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.metrics.statistic import Pairs, Statistic, divide
from shared.arrays import Flags, Floats, Ints


@dataclass(frozen=True, eq=False)
class MeanOfFinite:
    """The mean of the finite figures of a sample."""

    statistics: Sequence[Statistic]

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        figures = np.stack([statistic(weights) for statistic in self.statistics])
        finite = np.isfinite(figures)
        total = np.where(finite, figures, 0).sum(axis=0)
        return divide(np.asarray(total, np.float64), finite.sum(axis=0).astype(np.float64))


def macro_auc(scores: Floats, label: Ints, group: Ints) -> Statistic:
    """Mean over classes of the area under the curve of one against the rest; ties count half.

    Scores [n, classes] of tiles with the place of each one's class and patient; weights are those of patients.
    """
    return MeanOfFinite([_auc(scores[:, k], label == k, group) for k in range(scores.shape[1])])


def _auc(score: Floats, positive: Flags, group: Ints) -> Statistic:
    """Pairs of patients, each with as many pairs of tiles as they have."""
    groups = int(group.max(initial=-1)) + 1
    rest = [np.sort(score[~positive & (group == g)]) for g in range(groups)]
    cases = [score[positive & (group == g)] for g in range(groups)]
    right = np.array([[_ordered(case, other) for other in rest] for case in cases])
    sizes = np.array([[len(case) * len(other) for other in rest] for case in cases], np.float64)
    return Pairs(np.arange(groups), right, sizes)


def _ordered(cases: Floats, ascending: Floats) -> float:
    """Pairs in which the case scores higher, those of equal scores counted half."""
    below = np.searchsorted(ascending, cases, "left").sum()
    return float(below + np.searchsorted(ascending, cases, "right").sum()) / 2
