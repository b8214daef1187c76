"""The figures of every arm with their intervals, in the shape of report.json."""

from collections.abc import Callable
from typing import Any

import numpy as np

from services.trainer.arms.hazards import Prediction
from services.trainer.arms.known_blocks import capital
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.evaluation.pooled import Pooled, Restricted
from services.trainer.metrics import accuracy, calibration, decision, discrimination
from services.trainer.metrics.bootstrap import Bootstrap, Figure, rounded, wilson
from services.trainer.metrics.incidence import incidence_draws
from services.trainer.metrics.statistic import Mean, Ratio, Statistic
from shared.arrays import Floats, Ints

Of = Callable[[Outcome, Prediction], Statistic]
FEWER = 500
"""Bootstrap samples where there are many figures, or one that takes long."""
BENEFIT_AT = (0.2, 0.3, 0.4)
BENEFIT_CURVE = tuple(np.round(np.arange(0.05, 0.605, 0.025), 3))


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


def arm_figures(pooled: Pooled, name: str, bootstrap: Bootstrap) -> dict[str, Any]:
    """All figures of one arm."""
    arm = pooled.arms[name]
    index = arm.known
    figures: dict[str, Any] = {"n": len(index), "title": arm.title.format(table=_table(pooled.cohort))}
    for metric, of in metrics(pooled).items():
        figures[metric] = bootstrap.figure(pooled.figure(name, index, of)).as_json()
    figures["calibration"] = _calibration(pooled, name, index, bootstrap)
    figures["operating_point"] = _operating(pooled, name, index, bootstrap)
    figures["by_fold"] = _by_fold(pooled, name)
    return figures


def _table(cohort: Cohort) -> str:
    """The blocks of variables that are known of anyone, in words."""
    profile = cohort.profile
    titles = [profile.title_of(block) for block in profile.record_blocks if cohort.has_block(block).any()]
    return capital(", ".join(titles)) or "No variables"


def _calibration(pooled: Pooled, name: str, index: Ints, bootstrap: Bootstrap) -> dict[str, Any]:
    years = pooled.horizons[0]
    place = pooled.place(years)
    parts: dict[str, Of] = {
        "o_e": lambda outcome, prediction: calibration.observed_over_expected(
            outcome, prediction.risk[:, place], years
        ),
        "slope": lambda outcome, prediction: calibration.slope(outcome, prediction.risk[:, place], years),
        "intercept": lambda outcome, prediction: calibration.intercept(outcome, prediction.risk[:, place], years),
    }
    if all(np.ptp(prediction.log_risk[index]) < 1e-9 for prediction in pooled.arms[name].repeats):
        del parts["slope"]
    smaller = Bootstrap(bootstrap.weights[:FEWER])
    figures = {key: smaller.figure(pooled.figure(name, index, of)).as_json() for key, of in parts.items()}
    figures.setdefault("slope", Figure(None, None, None).as_json())
    risk, outcome = pooled.arms[name].mean_risk(place)[index], pooled.cohort.outcome[index]
    draws = smaller.weights[:, index]
    bins = [_bin(b, outcome, years, draws) for b in calibration.bins(outcome, risk, years)]
    curve = []
    if np.ptp(risk) > 1e-9:
        predicted, observed = calibration.smooth_curve(outcome, risk, years)
        curve = [[rounded(float(p)), rounded(float(o))] for p, o in zip(predicted, observed, strict=True)]
    return {"horizon_years": years, **figures, "bins": bins, "curve": curve}


def _bin(bin_: calibration.Bin, outcome: Outcome, years: float, draws: Floats) -> list[float | int | None]:
    """Mean risk, what happened, how many, and the ends of what happened."""
    drawn = draws[:, bin_.members]
    resampled = incidence_draws(outcome[bin_.members], np.array([years]), drawn[drawn.sum(axis=1) > 0])
    ends = [rounded(float(end)) for end in np.quantile(resampled, [0.025, 0.975])]
    return [rounded(bin_.predicted), rounded(bin_.observed), len(bin_.members), *ends]


def _operating(pooled: Pooled, name: str, index: Ints, bootstrap: Bootstrap) -> dict[str, Any]:
    years, thresholds = pooled.horizons[0], pooled.arms[name].thresholds
    spread = Figure(float(thresholds.mean()), float(thresholds.min()), float(thresholds.max()))

    kinds = ("sensitivity", "specificity", "ppv", "npv")
    figures = {which: _share(pooled, name, index, which, bootstrap).as_json() for which in kinds}
    return {"horizon_years": years, "threshold": spread.as_json(), **figures}


def _share(pooled: Pooled, name: str, index: Ints, which: str, bootstrap: Bootstrap) -> Figure:
    """One share of the operating point; Wilson's interval where the share is 0 or 1."""
    outcome, years = pooled.cohort.outcome[index], pooled.horizons[0]
    parts: list[Ratio] = [
        getattr(decision.operating(outcome, row[index], years), which) for row in pooled.arms[name].flagged
    ]
    figure = bootstrap.figure(Restricted(index, Mean(parts)))
    patients = float(np.mean([part.patients for part in parts]))
    if figure.est is None or patients <= 0 or 1e-9 < figure.est < 1 - 1e-9:
        return figure
    return wilson(figure.est, patients)


def _by_fold(pooled: Pooled, name: str) -> dict[str, float | None]:
    """Mean and standard deviation of Harrell's C over the outer folds."""
    values = []
    for repeat, row in enumerate(pooled.fold_of):
        for fold in np.unique(row[row >= 0]):
            index = np.intersect1d(np.flatnonzero(row == fold), pooled.arms[name].known)
            log_risk = pooled.arms[name].repeats[repeat].log_risk[index]
            statistic = discrimination.harrell_c(pooled.cohort.outcome[index], log_risk)
            values.append(float(statistic(np.ones((1, len(index))))[0]))
    finite = [value for value in values if np.isfinite(value)]
    return {
        "harrell_c_mean": rounded(float(np.mean(finite))) if finite else None,
        "harrell_c_sd": rounded(float(np.std(finite))) if finite else None,
    }


def decision_curve(pooled: Pooled, arms: list[str], bootstrap: Bootstrap) -> dict[str, Any]:
    """Net benefit of arms, of treating all and of treating none, over thresholds at the first horizon."""
    years, outcome = pooled.horizons[0], pooled.cohort.outcome
    place, everyone = pooled.place(years), np.ones(len(outcome))
    smaller = Bootstrap(bootstrap.weights[:FEWER])
    benefits: dict[str, list[Figure]] = {"treat_all": [], "treat_none": [Figure(0.0, 0.0, 0.0)] * len(BENEFIT_CURVE)}
    for at in map(float, BENEFIT_CURVE):
        benefits["treat_all"].append(smaller.figure(decision.net_benefit(outcome, everyone, years, at)))
        for name in arms:
            statistic = pooled.figure(name, pooled.arms[name].known, _benefit_at(years, place, at))
            benefits.setdefault(name, []).append(smaller.figure(statistic))
    ends = {name: [[rounded(figure.lo), rounded(figure.hi)] for figure in row] for name, row in benefits.items()}
    curves = {name: [rounded(figure.est) for figure in row] for name, row in benefits.items()}
    thresholds = [float(at) for at in BENEFIT_CURVE]
    return {"horizon_years": years, "thresholds": thresholds, "net_benefit": curves, "intervals": ends}


def _benefit_at(years: float, place: int, at: float) -> Of:
    return lambda outcome, prediction: decision.net_benefit(outcome, prediction.risk[:, place], years, at)
