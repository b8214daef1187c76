"""The figures of every arm with their intervals."""

import numpy as np

from services.trainer.arms.known_blocks import capital
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.evaluation.calibration_figures import calibration_figures
from services.trainer.evaluation.decisions import operating_point
from services.trainer.evaluation.pooled import Of, Pooled
from services.trainer.metrics import accuracy, decision, discrimination
from services.trainer.metrics.bootstrap import Bootstrap, rounded
from services.trainer.metrics.statistic import Mean, Statistic
from services.trainer.report_model.arms import ArmFigures, ByFold
from shared.arrays import Floats

BENEFIT_AT = (0.2, 0.3, 0.4)


def metrics(pooled: Pooled) -> dict[str, Of]:
    """Every figure that is a function of outcome and prediction, by its name in report.json."""
    first, tau = pooled.horizons[0], pooled.horizons[-1]
    place = pooled.place(first)
    times = np.arange(1, len(pooled.grid)) if pooled.cohort.has_times else np.array([place])

    def area(years: float) -> Of:
        return lambda outcome, prediction: discrimination.auc(outcome, prediction.log_risk, years)

    return {
        "harrell_c": lambda outcome, prediction: discrimination.harrell_c(outcome, prediction.log_risk),
        "uno_c": lambda outcome, prediction: discrimination.uno_c(outcome, prediction.log_risk, tau),
        **{f"auc_{years:g}y": area(years) for years in auc_years(pooled)},
        "ibs": lambda outcome, prediction: accuracy.integrated_brier(
            outcome, prediction.risk[:, times], pooled.grid[times]
        ),
        **{f"brier_{years:g}y": _brier(years, pooled.place(years)) for years in pooled.horizons},
        "net_benefit": lambda outcome, prediction: _benefit(outcome, prediction.risk[:, place], first),
    }


def auc_years(pooled: Pooled) -> list[float]:
    """The horizons, and earlier times that the profile names."""
    profile = pooled.cohort.profile
    earlier = profile.auc_years if pooled.cohort.has_times else ()
    return sorted({*profile.horizons_years, *(years for years in earlier if years < profile.horizons_years[-1])})


def _brier(years: float, place: int) -> Of:
    return lambda outcome, prediction: accuracy.brier(outcome, prediction.risk[:, place], years)


def _benefit(outcome: Outcome, risk: Floats, years: float) -> Statistic:
    return Mean([decision.net_benefit(outcome, risk, years, at) for at in BENEFIT_AT])


def arm_figures(pooled: Pooled, name: str, bootstrap: Bootstrap) -> ArmFigures:
    """All figures of one arm."""
    arm = pooled.arms[name]
    index = arm.known
    measured = {
        metric: bootstrap.figure(pooled.figure(name, index, of)).rounded() for metric, of in metrics(pooled).items()
    }
    return ArmFigures(
        n=len(index),
        title=arm.title.format(table=_table(pooled.cohort)),
        harrell_c=measured["harrell_c"],
        uno_c=measured["uno_c"],
        auc={years: measured[f"auc_{years:g}y"] for years in auc_years(pooled)},
        ibs=measured["ibs"],
        brier={years: measured[f"brier_{years:g}y"] for years in pooled.horizons},
        net_benefit=measured["net_benefit"],
        calibration=calibration_figures(pooled, name, bootstrap),
        operating_point=operating_point(pooled, name, bootstrap),
        by_fold=_by_fold(pooled, name),
    )


def _table(cohort: Cohort) -> str:
    """The blocks of variables that are known of anyone, in words."""
    profile = cohort.profile
    titles = [profile.title_of(block) for block in profile.record_blocks if cohort.has_block(block).any()]
    return capital(", ".join(titles)) or "No variables"


def _by_fold(pooled: Pooled, name: str) -> ByFold:
    """Mean and standard deviation of Harrell's C over the outer folds."""
    values = []
    for repeat, row in enumerate(pooled.fold_of):
        for fold in np.unique(row[row >= 0]):
            index = np.intersect1d(np.flatnonzero(row == fold), pooled.arms[name].known)
            log_risk = pooled.arms[name].repeats[repeat].log_risk[index]
            statistic = discrimination.harrell_c(pooled.cohort.outcome[index], log_risk)
            values.append(float(statistic(np.ones((1, len(index))))[0]))
    finite = [value for value in values if np.isfinite(value)]
    return ByFold(
        harrell_c_mean=rounded(float(np.mean(finite))) if finite else None,
        harrell_c_sd=rounded(float(np.std(finite))) if finite else None,
    )
