"""A SIMULATED cohort: patients that never lived, with frequencies, effects and times as published tables have them.

Relapse follows a promotion-time cure model, S(t) = exp(-theta F(t)), which has proportional hazards and a plateau.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from shared.arrays import Floats

SITES = 6
_GROUPS = ("WNT", "SHH", "G3", "G4")
_SHARE = (0.09, 0.24, 0.22, 0.45)
_AGE_Q = {"WNT": (6.0, 10.0, 15.1), "SHH": (1.0, 4.0, 12.9), "G3": (2.1, 5.0, 10.4), "G4": (4.0, 8.0, 13.0)}
"""Age in years at the 10th, 50th and 90th percentile."""
_MALE = {"WNT": 0.38, "SHH": 0.6, "G3": 0.68, "G4": 0.69}
_METASTATIC = {"WNT": 0.10, "SHH": 0.16, "G3": 0.38, "G4": 0.35}
_HISTOLOGIES = ("classic", "LCA", "DN", "MBEN")
_HISTOLOGY = {
    "WNT": (0.86, 0.08, 0.06, 0.0),
    "SHH": (0.37, 0.13, 0.43, 0.07),
    "G3": (0.66, 0.25, 0.07, 0.02),
    "G4": (0.79, 0.09, 0.10, 0.02),
}
_MYC = {"WNT": 0.0, "SHH": 0.0, "G3": 0.17, "G4": 0.01}
_MYCN = {"WNT": 0.0, "SHH": 0.08, "G3": 0.02, "G4": 0.06}
_TP53 = {"WNT": 0.03, "SHH": 0.18, "G3": 0.0, "G4": 0.0}
_RELAPSE_FREE_5Y = {"WNT": 0.93, "SHH": 0.65, "G3": 0.47, "G4": 0.70}
_MEDIAN_TO_RELAPSE = {"WNT": 1.5, "SHH": 1.22, "G3": 0.75, "G4": 2.05}
_SHAPE = 1.2
_HAZARD_RATIO = {
    "infant": 1.6,
    "metastatic": 1.8,
    "residual": 1.2,
    "LCA": 1.7,
    "DN": 0.75,
    "MBEN": 0.6,
    "tp53": 3.0,
    "myc": 2.5,
    "mycn": 1.5,
}
_SECOND_MALIGNANCY, _OTHER_DEATH = 0.008, 0.006
"""Events a year."""
_FOLLOW_UP_MEDIAN, _FOLLOW_UP_SPREAD = 4.4, 0.6
_DAYS = 365.25
_GAPS: dict[tuple[str, ...], float] = {
    ("histology",): 0.15,
    ("extent_of_resection",): 0.04,
    ("residual_area_cm2",): 0.3,
    ("chang_m_stage",): 0.03,
    ("molecular_group", "tp53_status", "myc_amp", "mycn_amp"): 0.08,
    ("tp53_status",): 0.1,
}
"""Columns that a registry lacks together, and for what share of its patients."""


@dataclass(frozen=True)
class SimulatedCohort:
    """`table` in the columns of a cohort table, one row a patient; `latent` [n] is what the slides are to show."""

    table: pd.DataFrame
    latent: Floats
    """Standardised; its hazard ratio per unit, given all else, is the one asked for."""


def simulate(patients: int, effect: float, rng: np.random.Generator) -> SimulatedCohort:
    """Draw a cohort in which the latent has hazard ratio `effect` per standard deviation, given all else."""
    table = _patients(patients, rng)
    latent = _latent(table, rng)
    relative = np.exp(_log_hazard(table) + np.log(effect) * latent)
    table["time_days"], table["event_code"] = _outcome(table, relative, rng)
    return SimulatedCohort(_with_gaps(table, rng), latent)


def _patients(n: int, rng: np.random.Generator) -> pd.DataFrame:
    group = rng.choice(_GROUPS, n, p=_SHARE)
    stage = np.where(_chance(_METASTATIC, group, rng), rng.choice(["M1", "M2", "M3"], n, p=[0.25, 0.2, 0.55]), "M0")
    extent = rng.choice(["GTR", "NTR", "STR", "biopsy"], n, p=[0.6, 0.16, 0.22, 0.02])
    residual = np.where(np.isin(extent, ["STR", "biopsy"]), rng.uniform(1.5, 8, n), rng.uniform(0.1, 1.5, n))
    return pd.DataFrame(
        {
            "case_id": [f"SIM-{i:04d}" for i in range(n)],
            "site_id": [f"SITE-{i}" for i in rng.integers(0, SITES, n)],
            "age_at_diagnosis_years": np.round([_age(name, rng) for name in group], 1),
            "sex": np.where(_chance(_MALE, group, rng), "male", "female"),
            "chang_m_stage": stage,
            "extent_of_resection": extent,
            "residual_area_cm2": np.round(np.where(extent == "GTR", 0.0, residual), 1),
            "histology": [rng.choice(_HISTOLOGIES, p=_HISTOLOGY[name]) for name in group],
            "molecular_group": group,
            "tp53_status": np.where(_chance(_TP53, group, rng), "mut", "wt"),
            "myc_amp": np.where(_chance(_MYC, group, rng), "yes", "no"),
            "mycn_amp": np.where(_chance(_MYCN, group, rng), "yes", "no"),
        }
    )


def _chance(share: dict[str, float], group: npt.NDArray[np.str_], rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    return rng.random(len(group)) < np.array([share[name] for name in group])


def _age(group: str, rng: np.random.Generator) -> float:
    """Age between 0.2 and 21 years, through the three percentiles on a log scale."""
    place = rng.uniform(0.02, 0.98)
    low, middle, high = np.log(_AGE_Q[group])
    tails = (low - 0.7 * (middle - low), low, middle, high, high + 0.5 * (high - middle))
    return float(np.clip(np.exp(np.interp(place, (0.0, 0.1, 0.5, 0.9, 1.0), tails)), 0.2, 21.0))


def _latent(table: pd.DataFrame, rng: np.random.Generator) -> Floats:
    """Correlated with anaplasia and group 3, otherwise its own."""
    raw = 0.6 * (table.histology == "LCA") + 0.35 * (table.molecular_group == "G3") + rng.normal(size=len(table))
    return np.asarray((raw - raw.mean()) / raw.std(), np.float64)


def _log_hazard(table: pd.DataFrame) -> Floats:
    """Log hazard of what the table says, the molecular group left aside."""
    present = {
        "infant": table.age_at_diagnosis_years < 3,
        "metastatic": table.chang_m_stage != "M0",
        "residual": table.extent_of_resection.isin(["STR", "biopsy"]),
        **{name: table.histology == name for name in ("LCA", "DN", "MBEN")},
        "tp53": table.tp53_status == "mut",
        "myc": table.myc_amp == "yes",
        "mycn": table.mycn_amp == "yes",
    }
    return sum((np.log(_HAZARD_RATIO[name]) * np.asarray(mask) for name, mask in present.items()), np.zeros(len(table)))


def _outcome(table: pd.DataFrame, relative: Floats, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int64]]:
    """First of relapse, second malignancy, death without relapse and end of follow-up: days and code."""
    n = len(table)
    relapse = np.empty(n)
    for group in _GROUPS:
        members = (table.molecular_group == group).to_numpy()
        relapse[members] = _relapse(group, relative[members], rng)
    follow_up = np.clip(_FOLLOW_UP_MEDIAN * np.exp(_FOLLOW_UP_SPREAD * rng.normal(size=n)), 0.3, 21.0)
    second, death = rng.exponential(1 / _SECOND_MALIGNANCY, n), rng.exponential(1 / _OTHER_DEATH, n)
    times = np.stack([follow_up, relapse, second, death])
    return np.maximum(1, np.round(times.min(axis=0) * _DAYS)), times.argmin(axis=0)


def _relapse(group: str, relative: Floats, rng: np.random.Generator) -> Floats:
    """Years to relapse by inversion of S(t) = exp(-theta F(t)); infinite for the cured."""
    scale = _MEDIAN_TO_RELAPSE[group] / np.log(2) ** (1 / _SHAPE)
    by_5y = -np.expm1(-((5 / scale) ** _SHAPE))
    theta = relative * _level(relative * by_5y, _RELAPSE_FREE_5Y[group])
    reached = rng.exponential(size=len(relative)) / theta
    with np.errstate(divide="ignore"):
        return np.asarray(scale * (-np.log1p(-np.minimum(reached, 1.0))) ** (1 / _SHAPE), np.float64)


def _level(hazards: Floats, surviving: float) -> float:
    """The factor on cumulative hazards at which `surviving` is the mean survival, by bisection."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.exp(-middle * hazards).mean() > surviving else (low, middle)
    return low


def _with_gaps(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Leave out what registries lack: histology often, the whole molecular block sometimes."""
    n = len(table)
    for columns, share in _GAPS.items():
        table.loc[rng.random(n) < share, list(columns)] = None
    return table
