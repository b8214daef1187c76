"""SIMULATED tables of the form in which HANCOCK is published: the same columns, nobody's values."""

from pathlib import Path

import numpy as np

from services.trainer.simulation.tables import write_table

_FLAGS = ("perineural_invasion_Pn", "carcinoma_in_situ", "lymphovascular_invasion_L", "vascular_invasion_V")
_CODES = ("primary_tumor_site", "grading", "hpv_association_p16", "resection_status", "histologic_type", "pN_stage")
_BLOOD = ("Leukocytes [#/volume] in Blood", "Hemoglobin [Mass/volume] in Blood")


def write_hancock(folder: Path, patients: int, seed: int = 1) -> None:
    """Write clinical.csv, pathological.csv, blood.csv and targets.csv; nodes and invasion raise the hazard."""
    rng = np.random.default_rng(seed)
    nodes, invasion = rng.poisson(2, patients), rng.integers(0, 2, patients)
    days = rng.exponential(1500 * np.exp(0.8 - 0.3 * nodes - 0.5 * invasion)) + 30
    event = days < 1500
    people = [{"patient_id": f"{number + 1:03d}"} for number in range(patients)]
    for name, columns in _tables(rng, nodes, invasion).items():
        rows = [
            person | {key: str(values[row]) for key, values in columns.items()} for row, person in enumerate(people)
        ]
        write_table(folder / name, rows)
    outcome = {"recurrence": "no", "days_to_recurrence": "", "survival_status": "living"}
    rest = {"survival_status_with_cause": "living", "days_to_last_information": "1500"}
    ends = [
        {"rfs_event": str(int(each)), "days_to_rfs_event": f"{min(day, 1500):.0f}"}
        for each, day in zip(event, days, strict=True)
    ]
    write_table(
        folder / "targets.csv", [person | outcome | rest | end for person, end in zip(people, ends, strict=True)]
    )


def _tables(rng: np.random.Generator, nodes: np.ndarray, invasion: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Columns of the three tables of values; flags and codes are written as `1.0`, as the publisher does."""
    n = len(nodes)
    clinical = {"sex": rng.integers(0, 2, n), "primarily_metastasis": rng.integers(0, 2, n).astype(float)}
    clinical |= {"smoking_status": rng.integers(0, 4, n), "age_at_initial_diagnosis": rng.integers(40, 85, n)}
    pathological = {"perinodal_invasion": invasion.astype(float)} | {name: rng.integers(0, 2, n) for name in _FLAGS}
    pathological |= {name: rng.integers(0, 3, n) for name in _CODES} | {"pT_stage": rng.integers(0, 9, n)}
    pathological |= {"resection_status_carcinoma_in_situ": rng.integers(0, 3, n)}
    pathological |= {
        "number_of_positive_lymph_nodes": nodes.astype(float),
        "infiltration_depth_in_mm": rng.uniform(1, 30, n).round(1),
    }
    return {
        "clinical.csv": clinical,
        "pathological.csv": pathological,
        "blood.csv": {name: rng.normal(10, 2, n) for name in _BLOOD},
    }
