"""SIMULATED patients: molecular group, age, stage, resection, histology and markers, as published tables have them.

Frequencies: Cavalli 2017 and Newcastle 2017 tables, SJMB03; see SCIENCE notes in the trainer's README.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.arrays import Flags, Floats

Words = npt.NDArray[np.str_]

GROUPS = ("WNT", "SHH", "G3", "G4")
_SHARE = (0.09, 0.24, 0.22, 0.45)
_AGE = {"WNT": (6.0, 10.0, 15.1), "SHH": (1.0, 4.0, 12.9), "G3": (2.1, 5.0, 10.4), "G4": (4.0, 8.0, 13.0)}
"""Years at the 10th, 50th and 90th percentile."""
_MALE = {"WNT": 0.38, "SHH": 0.60, "G3": 0.68, "G4": 0.69}
_METASTATIC = {"WNT": 0.10, "SHH": 0.16, "G3": 0.38, "G4": 0.35}
HISTOLOGIES = ("classic", "LCA", "DN", "MBEN")
_HISTOLOGY = {
    "WNT": (0.86, 0.08, 0.06, 0.00),
    "SHH": (0.37, 0.13, 0.43, 0.07),
    "G3": (0.66, 0.25, 0.07, 0.02),
    "G4": (0.79, 0.09, 0.10, 0.02),
}
_MYC = {"WNT": 0.0, "SHH": 0.0, "G3": 0.17, "G4": 0.01}
_MYCN = {"WNT": 0.0, "SHH": 0.08, "G3": 0.02, "G4": 0.06}
_TP53 = {"WNT": 0.03, "SHH": 0.18, "G3": 0.0, "G4": 0.0}


@dataclass(frozen=True, eq=False)
class Facts:
    """What is true of n patients, before anything is left out."""

    group: Words
    age: Floats
    male: Flags
    stage: Words
    extent: Words
    residual: Floats
    histology: Words
    tp53: Flags
    myc: Flags
    mycn: Flags

    def __len__(self) -> int:
        return len(self.group)


def draw_facts(patients: int, rng: np.random.Generator) -> Facts:
    """Draw patients, everything given the molecular group."""
    group = rng.choice(GROUPS, patients, p=_SHARE)
    extent = rng.choice(["GTR", "NTR", "STR", "biopsy"], patients, p=[0.60, 0.16, 0.22, 0.02])
    residual = np.where(
        np.isin(extent, ["STR", "biopsy"]), rng.uniform(1.5, 8, patients), rng.uniform(0.1, 1.5, patients)
    )
    spread = rng.choice(["M1", "M2", "M3"], patients, p=[0.25, 0.20, 0.55])
    return Facts(
        group=group,
        age=np.array([_age(name, rng) for name in group]),
        male=_chance(_MALE, group, rng),
        stage=np.where(_chance(_METASTATIC, group, rng), spread, "M0"),
        extent=extent,
        residual=np.where(extent == "GTR", 0.0, residual),
        histology=np.array([rng.choice(HISTOLOGIES, p=_HISTOLOGY[name]) for name in group]),
        tp53=_chance(_TP53, group, rng),
        myc=_chance(_MYC, group, rng),
        mycn=_chance(_MYCN, group, rng),
    )


def _chance(share: dict[str, float], group: Words, rng: np.random.Generator) -> Flags:
    return np.asarray(rng.random(len(group)) < np.array([share[name] for name in group]), np.bool_)


def _age(group: str, rng: np.random.Generator) -> float:
    """Between 0.2 and 21 years, through the three percentiles on a log scale."""
    low, middle, high = np.log(_AGE[group])
    tails = (low - 0.7 * (middle - low), low, middle, high, high + 0.5 * (high - middle))
    place = rng.uniform(0.02, 0.98)
    return float(np.clip(np.exp(np.interp(place, (0.0, 0.1, 0.5, 0.9, 1.0), tails)), 0.2, 21.0))
