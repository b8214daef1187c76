"""Optimism by refitting: every step is fitted inside bootstrap cohorts, and asked about these and the whole one.

Harrell et al., Stat Med 1996;15:361; Steyerberg et al., J Clin Epidemiol 2001;54:774.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from services.trainer.arms.hazards import Prediction
from services.trainer.arms.known_blocks import blocks_of_cohort
from services.trainer.arms.registry import arms_of
from services.trainer.block_models import fit_blocks
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.metrics import accuracy, discrimination
from services.trainer.metrics.bootstrap import rounded
from services.trainer.metrics.statistic import Statistic
from services.trainer.report_model.procedure import Optimism, OptimismRow
from shared.arrays import Floats

RefitFigures: TypeAlias = dict[str, dict[str, tuple[float | None, float | None]]]
"""By arm and metric: the figure in the cohort that was fitted, and in the whole one."""
_Measure = Callable[[Outcome, Prediction], Statistic]


def refit(cohort: Cohort, embeddings: Embeddings | None, seed: int, draw: int) -> RefitFigures:
    """Fit every arm on bootstrap cohort number `draw`, and measure it there and in the whole; 0 is the whole itself.

    A patient who is drawn several times is in one inner fold.
    """
    rng = np.random.default_rng([seed, 71, draw])
    drawn = rng.integers(0, len(cohort), len(cohort)) if draw else np.arange(len(cohort))
    own_cohort = cohort.take(drawn)
    models, training = fit_blocks(own_cohort, embeddings, seed + draw)
    own, whole = (models.patients(each, embeddings, seed) for each in (own_cohort, cohort))
    measures, figures = _measures(cohort, training.horizon), {}
    for arm in arms_of(cohort.profile, blocks_of_cohort(cohort, embeddings)):
        if arm.name == "null" or arm.unavailable_reason(training):
            continue
        fitted = arm.fit(training)
        pairs = [(own_cohort.outcome, fitted.predict(own)), (cohort.outcome, fitted.predict(whole))]
        figures[arm.name] = {name: _measured(measure, pairs) for name, measure in measures.items()}
    return figures


def _measures(cohort: Cohort, place: int) -> dict[str, _Measure]:
    first, last = cohort.profile.horizons_years[0], cohort.profile.horizons_years[-1]
    return {
        "uno_c": lambda outcome, prediction: discrimination.uno_c(outcome, prediction.log_risk, last),
        f"brier_{first:g}y": lambda outcome, prediction: accuracy.brier(outcome, prediction.risk[:, place], first),
    }


def _measured(measure: _Measure, pairs: Sequence[tuple[Outcome, Prediction]]) -> tuple[float | None, float | None]:
    own, whole = (_value(measure, outcome, prediction) for outcome, prediction in pairs)
    return own, whole


def _value(measure: _Measure, outcome: Outcome, prediction: Prediction) -> float | None:
    known = np.flatnonzero(~np.isnan(prediction.log_risk))
    if not len(known):
        return None
    value: Floats = measure(outcome[known], prediction.take(known))(np.ones((1, len(known))))
    return float(value[0]) if np.isfinite(value[0]) else None


def optimism(refits: Sequence[RefitFigures]) -> Optimism | None:
    """Apparent figures, of the whole cohort, less the mean difference in bootstrap cohorts; None without any."""
    if not refits:
        return None
    whole, *drawn = refits
    rows = (_row(arm, metric, own, drawn) for arm, figures in whole.items() for metric, (own, _) in figures.items())
    return Optimism(samples=len(drawn), rows=tuple(rows))


def _row(arm: str, metric: str, apparent: float | None, drawn: Sequence[RefitFigures]) -> OptimismRow:
    differences = list(_differences(arm, metric, drawn))
    flattery = float(np.mean(differences)) if differences else None
    corrected = None if apparent is None or flattery is None else apparent - flattery
    return OptimismRow(
        arm=arm, metric=metric, apparent=rounded(apparent), optimism=rounded(flattery), corrected=rounded(corrected)
    )


def _differences(arm: str, metric: str, drawn: Sequence[RefitFigures]) -> Iterator[float]:
    for figures in drawn:
        own, whole = figures.get(arm, {}).get(metric, (None, None))
        if own is not None and whole is not None:
            yield own - whole
