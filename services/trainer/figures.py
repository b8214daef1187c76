"""What the demo model is worth on its own SIMULATED cohort: concordance, calibration, limits of the risk groups."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from lifelines import AalenJohansenFitter
from lifelines.utils import concordance_index

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

_RESAMPLES = 200


@dataclass(frozen=True)
class Figure:
    """An estimate with its 95 % percentile bootstrap interval."""

    est: float
    lo: float
    hi: float

    def __str__(self) -> str:
        return f"{self.est:.3f} ({self.lo:.3f} to {self.hi:.3f})"


def concordances(
    log_risks: dict[str, Floats], years: Floats, codes: Codes, rng: np.random.Generator
) -> dict[str, Figure]:
    """Harrell's C for relapse of each arm, other events as censoring, and of `fused - clinical_molecular`, paired."""
    draws = [np.arange(len(years)), *(rng.integers(0, len(years), len(years)) for _ in range(_RESAMPLES))]
    table = {name: np.array([_c(risk, years, codes, draw) for draw in draws]) for name, risk in log_risks.items()}
    table["fused - clinical_molecular"] = table["fused"] - table["clinical_molecular"]
    return {name: Figure(float(c[0]), *np.quantile(c[1:], [0.025, 0.975]).tolist()) for name, c in table.items()}


def _c(risk: Floats, years: Floats, codes: Codes, draw: npt.NDArray[np.int64]) -> float:
    return float(concordance_index(years[draw], -risk[draw], codes[draw] == 1))


def observed_to_expected(risk: Floats, years: Floats, codes: Codes, horizon: float) -> float:
    """Aalen-Johansen incidence of relapse by `horizon` years over the mean predicted risk."""
    apart = years + 1e-7 * np.arange(len(years))  # ties are not defined for this estimator
    fitter = AalenJohansenFitter(calculate_variance=False).fit(apart, codes, event_of_interest=1)
    return float(fitter.predict(horizon)) / float(risk.mean())


def limit_for_sensitivity(risk: Floats, years: Floats, codes: Codes, horizon: float, sensitivity: float) -> float:
    """Largest limit such that at least `sensitivity` of those who relapsed by `horizon` lie at or above it."""
    relapsed = np.sort(risk[(codes == 1) & (years <= horizon)])
    return float(relapsed[int(np.floor((1 - sensitivity) * len(relapsed)))])
