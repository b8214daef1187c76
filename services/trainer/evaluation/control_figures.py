"""Figures of the negative controls."""

from collections.abc import Sequence

import numpy as np

from services.trainer.evaluation.figures import metrics
from services.trainer.evaluation.pooled import Pooled
from services.trainer.evaluation.run import RawResults
from services.trainer.metrics.bootstrap import Bootstrap, Figure, rounded
from services.trainer.report_model.procedure import ControlFigure, NegativeControls

_T = 2.262
"""t quantile of 9 degrees of freedom, for ten draws."""


def control_figures(raw: RawResults, permuted: Pooled, bootstrap: Bootstrap) -> NegativeControls:
    """Means of the draws with the interval of that mean; and of one permutation of the outcome, C of every arm."""
    return NegativeControls(
        permuted_outcome_c=_mean([control.permuted_c for control in raw.controls]),
        random_feature_gain=_mean([control.random_gain for control in raw.controls]),
        permuted_outcome_by_arm=_by_arm(permuted, bootstrap),
    )


def _mean(values: Sequence[float]) -> ControlFigure:
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))
    figure = Figure(mean, mean - _T * error, mean + _T * error)
    return ControlFigure(mean=figure.rounded(), draws=tuple(rounded(value) for value in values))


def _by_arm(permuted: Pooled, bootstrap: Bootstrap) -> dict[str, Figure]:
    """Harrell's C of every arm but the null, with an interval over patients."""
    of = metrics(permuted)["harrell_c"]
    arms = {name: arm.known for name, arm in permuted.arms.items() if name != "null"}
    return {name: bootstrap.fewer.figure(permuted.figure(name, index, of)).rounded() for name, index in arms.items()}
