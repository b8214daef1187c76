"""What happens to SIMULATED patients: relapse by a promotion-time cure model, what competes, end of follow-up.

S(t) = exp(-theta F(t)) has proportional hazards and a plateau (Yakovlev and Tsodikov 1996), so that the hazard ratios
below are true ones.
"""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR
from services.trainer.simulation.patients import Facts
from shared.arrays import Floats, Ints

HAZARD_RATIO = {
    "age under 3": 1.6,
    "metastatic": 1.8,
    "residual tumour": 1.2,
    "LCA": 1.7,
    "DN": 0.75,
    "MBEN": 0.6,
    "TP53 mutated": 3.0,
    "MYC amplified": 2.5,
    "MYCN amplified": 1.5,
}
"""Of relapse, each given all else."""
_RELAPSE_FREE_5Y = {"WNT": 0.93, "SHH": 0.65, "G3": 0.47, "G4": 0.70}
_MEDIAN_YEARS = {"WNT": 1.5, "SHH": 1.73, "G3": 0.96, "G4": 3.71}
"""Of F, such that half of those who relapse have done so by 1.22, 0.68 and 2.05 years in SHH, G3 and G4."""
_SHAPE = 1.5
_SECOND_MALIGNANCY, _OTHER_DEATH = 0.0109, 0.0087
"""Events a year, such that by 5 years, relapse competing, 4 % have had the one and 3 % the other."""
_FOLLOW_UP_MEDIAN, _FOLLOW_UP_SPREAD = 4.4, 0.6
_SLIDES_SEE = {"LCA": 0.6, "G3": 0.35}
"""How much the latent is moved by what pathologists see too."""


@dataclass(frozen=True, eq=False)
class SimulatedOutcome:
    """`days` [n], `code` [n] 0 to 3, the `latent` [n] that slides show, and the true relapse log hazard [n]."""

    days: Floats
    code: Ints
    latent: Floats
    log_hazard: Floats
    theta: Floats
    """Relapses to come, [n]: risk by t years is 1 - exp(-theta F(t)) where nothing competes."""


def draw_latent(facts: Facts, rng: np.random.Generator) -> Floats:
    """What the slides of each patient [n] show, of mean 0 and standard deviation 1 over the cohort."""
    seen = sum((weight * (_markers(facts)[name]) for name, weight in _SLIDES_SEE.items()), np.zeros(len(facts)))
    raw = seen + rng.normal(size=len(facts))
    return np.asarray((raw - raw.mean()) / raw.std(), np.float64)


def draw_outcome(
    facts: Facts, latent: Floats, effect: float, rng: np.random.Generator, beside: Floats | float = 0.0
) -> SimulatedOutcome:
    """Draw outcomes in which the latent has hazard ratio `effect` per standard deviation, given all else.

    `beside` [n] is a log hazard of other evidence.
    """
    log_hazard = known_log_hazard(facts) + np.log(effect) * latent + beside
    theta = _theta(facts) * np.exp(log_hazard)
    reached = rng.exponential(size=len(facts)) / theta
    relapse = np.full(len(facts), np.inf)
    relapse[reached < 1] = (_scale(facts) * (-np.log1p(-np.minimum(reached, 1 - 1e-12))) ** (1 / _SHAPE))[reached < 1]
    follow_up = np.clip(_FOLLOW_UP_MEDIAN * np.exp(_FOLLOW_UP_SPREAD * rng.normal(size=len(facts))), 0.3, 21.0)
    second, death = (rng.exponential(1 / rate, len(facts)) for rate in (_SECOND_MALIGNANCY, _OTHER_DEATH))
    times = np.stack([follow_up, relapse, second, death])
    days = np.maximum(1, np.round(times.min(axis=0) * DAYS_A_YEAR))
    return SimulatedOutcome(days, times.argmin(axis=0).astype(np.int64), latent, log_hazard, theta)


def known_log_hazard(facts: Facts) -> Floats:
    """Log hazard [n] of the table's variables, 0 for a patient without markers; the group sets the baseline."""
    markers = _markers(facts)
    total: Floats = np.zeros(len(facts))
    for name, ratio in HAZARD_RATIO.items():
        total = total + float(np.log(ratio)) * markers[name]
    return total


def true_risk(facts: Facts, simulated_outcome: SimulatedOutcome, years: float) -> Floats:
    """Probability [n] of relapse by `years` before any competing event, by the model that drew it."""
    steps = np.linspace(0, years, 201)
    hazard_other = _SECOND_MALIGNANCY + _OTHER_DEATH
    reached = 1 - np.exp(-((steps[None, :] / _scale(facts)[:, None]) ** _SHAPE))
    free = np.exp(-simulated_outcome.theta[:, None] * reached)
    relapses = -np.diff(free, axis=1) * np.exp(-hazard_other * (steps[:-1] + steps[1:]) / 2)[None, :]
    return np.asarray(relapses.sum(axis=1), np.float64)


def _markers(facts: Facts) -> dict[str, Floats]:
    markers = {
        "age under 3": facts.age < 3,
        "metastatic": facts.stage != "M0",
        "residual tumour": np.isin(facts.extent, ["STR", "biopsy"]),
        **{name: facts.histology == name for name in ("LCA", "DN", "MBEN")},
        "TP53 mutated": facts.tp53,
        "MYC amplified": facts.myc,
        "MYCN amplified": facts.mycn,
        "G3": facts.group == "G3",
    }
    return {name: np.asarray(mark, np.float64) for name, mark in markers.items()}


_TYPICAL = {"WNT": 0.10, "SHH": 0.32, "G3": 0.55, "G4": 0.22}
"""Mean log hazard of what the table says in each group, taken off so that the published rates hold."""


def _theta(facts: Facts) -> Floats:
    by_5y = -np.expm1(-((5 / _scale(facts)) ** _SHAPE))
    free = np.array([_RELAPSE_FREE_5Y[name] for name in facts.group])
    typical = np.array([_TYPICAL[name] for name in facts.group])
    return np.asarray(-np.log(free) / by_5y * np.exp(-typical), np.float64)


def _scale(facts: Facts) -> Floats:
    median = np.array([_MEDIAN_YEARS[name] for name in facts.group], np.float64)
    return np.asarray(median / np.log(2) ** (1 / _SHAPE), np.float64)
