"""What the demo model is worth on its own SIMULATED cohort: concordance, calibration, limits of the risk groups."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from lifelines import AalenJohansenFitter

from shared.arrays import Floats

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Figure:
    """An estimate with its 95 % percentile bootstrap interval."""

    est: float
    lo: float
    hi: float

    def __str__(self) -> str:
        return f"{self.est:.3f} ({self.lo:.3f} to {self.hi:.3f})"


def concordances(
    log_risks: dict[str, Floats], years: Floats, codes: Codes, resamples: int, rng: np.random.Generator
) -> dict[str, Figure]:
    """Harrell's C for relapse of each arm, other events as censoring, and of `fused - clinical_molecular`, paired."""
    draws = [np.arange(len(years)), *(rng.integers(0, len(years), len(years)) for _ in range(resamples))]
    table = {
        name: np.array([concordance(risk[draw], years[draw], codes[draw] == 1) for draw in draws])
        for name, risk in log_risks.items()
    }
    table["fused - clinical_molecular"] = table["fused"] - table["clinical_molecular"]
    return {name: Figure(float(c[0]), *np.quantile(c[1:], [0.025, 0.975]).tolist()) for name, c in table.items()}


def concordance(risk: Floats, years: Floats, events: npt.NDArray[np.bool_]) -> float:
    """Harrell's C: of the pairs whose earlier time is an event, the share in which it has the higher risk, ties half.

    Harrell et al., JAMA 1982;247:2543. At equal times an event precedes a censoring; two events at once are no pair.
    """
    later = (years[None, :] > years[:, None]) | ((years[None, :] == years[:, None]) & ~events[None, :])
    pairs = later & events[:, None]
    ahead = np.sign(risk[:, None] - risk[None, :])[pairs]
    return float((ahead.mean() + 1) / 2)


def observed_to_expected(risk: Floats, years: Floats, codes: Codes, horizon: float) -> float:
    """Aalen-Johansen incidence of relapse by `horizon` years over the mean predicted risk."""
    apart = years + 1e-7 * np.arange(len(years))  # ties are not defined for this estimator
    fitter = AalenJohansenFitter(calculate_variance=False).fit(apart, codes, event_of_interest=1)
    return float(fitter.predict(horizon)) / float(risk.mean())


@dataclass(frozen=True)
class OperatingPoint:
    """Shares, 0 to 1, of patients at or above a limit."""

    everyone: float
    sensitivity: float
    """Of those who relapsed by the horizon."""
    false_positive: float
    """Of those followed to the horizon without a relapse; whoever was lost before it is left out."""


def operating_point(risk: Floats, limit: float, years: Floats, codes: Codes, horizon: float) -> OperatingPoint:
    """What a limit on the predicted risk [n] amounts to."""
    above, relapsed = risk >= limit, (codes == 1) & (years <= horizon)
    free = (years >= horizon) & ~relapsed
    return OperatingPoint(float(above.mean()), float(above[relapsed].mean()), float(above[free].mean()))


def limit_for_sensitivity(risk: Floats, years: Floats, codes: Codes, horizon: float, sensitivity: float) -> float:
    """Largest limit such that at least `sensitivity` of those who relapsed by `horizon` lie at or above it."""
    relapsed = np.sort(risk[(codes == 1) & (years <= horizon)])
    return float(relapsed[int(np.floor((1 - sensitivity) * len(relapsed) + 1e-9))])
