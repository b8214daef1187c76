"""Figures of a log-risk on new patients: Harrell's C and the calibration slope."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.trainer.arms.cox import Sample, fit_cox
from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.discrimination import harrell_c
from shared.arrays import Floats


def harrell(outcome: Outcome, log_risk: Floats) -> float:
    """Harrell's C of a log-risk [n]."""
    return float(harrell_c(outcome, log_risk)(np.ones((1, len(outcome))))[0])


def calibration_slope(outcome: Outcome, log_risk: Floats) -> float:
    """Weight of a log-risk [n] in a Cox model of it alone; 1 where it is as large as it should be."""
    return float(fit_cox(Sample.of(log_risk[:, None], outcome.time, outcome.is_event), 0.0)[0])


def by_way(cohorts: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, list[float]]]:
    """The figures of each cohort by way to fit and name, as lists over the cohorts."""
    return {
        way: {name: [cohort[way][name] for cohort in cohorts] for name in figures}
        for way, figures in cohorts[0].items()
    }
