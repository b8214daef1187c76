"""What registries lack: histology often, the whole molecular block or all slides of a patient sometimes."""

from collections.abc import Mapping

import numpy as np

from services.trainer.simulation.patients import Facts
from services.trainer.simulation.simulated_outcome import SimulatedOutcome
from shared.arrays import Flags

_MOLECULAR = ("molecular_group", "tp53_status", "myc_amp", "mycn_amp")
_GAPS: tuple[tuple[tuple[str, ...], float], ...] = (
    (("histology",), 0.15),
    (("extent_of_resection",), 0.04),
    (("residual_area_cm2",), 0.30),
    (("chang_m_stage",), 0.03),
    (_MOLECULAR, 0.08),
    (("tp53_status",), 0.10),
)
NO_SLIDES = 0.05


def as_rows(
    names: list[str], sites: list[str], facts: Facts, simulated_outcome: SimulatedOutcome, rng: np.random.Generator
) -> list[Mapping[str, str]]:
    """Rows of cohort.csv, with gaps."""
    rows = [_row(i, names[i], sites[i], facts, simulated_outcome) for i in range(len(facts))]
    for columns, share in _GAPS:
        for row, gap in zip(rows, rng.random(len(rows)) < share, strict=True):
            row.update(dict.fromkeys(columns, "") if gap else {})
    return list(rows)


def without_slides(patients: int, rng: np.random.Generator) -> Flags:
    """Who [n] has no slides."""
    return np.asarray(rng.random(patients) < NO_SLIDES, np.bool_)


def _row(i: int, name: str, site: str, facts: Facts, simulated_outcome: SimulatedOutcome) -> dict[str, str]:
    yes_no = ("no", "yes")
    return {
        "case_id": name,
        "site_id": site,
        "age_at_diagnosis_years": f"{facts.age[i]:.1f}",
        "sex": "male" if facts.male[i] else "female",
        "chang_m_stage": str(facts.stage[i]),
        "extent_of_resection": str(facts.extent[i]),
        "residual_area_cm2": f"{facts.residual[i]:.1f}",
        "histology": str(facts.histology[i]),
        "molecular_group": str(facts.group[i]),
        "tp53_status": "mut" if facts.tp53[i] else "wt",
        "myc_amp": yes_no[int(facts.myc[i])],
        "mycn_amp": yes_no[int(facts.mycn[i])],
        "time_days": f"{simulated_outcome.days[i]:.0f}",
        "event_code": str(int(simulated_outcome.code[i])),
        "simulated": "true",
    }
