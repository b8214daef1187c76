"""predictions.csv: what every arm predicted for every patient and repeat."""

from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR
from services.trainer.evaluation.pooled import Pooled
from shared.csv_file import write_csv

PREDICTIONS = "predictions.csv"


def write_predictions(pooled: Pooled, out: Path) -> None:
    """Write one row a patient and repeat into a folder, whole or not at all."""
    arms = list(pooled.arms.values())
    header = ["case_id", "repeat", "fold", "time_days", "event_code"]
    header += [f"{arm.name}.{value}" for arm in arms for value in ("log_risk", *_risk_names(pooled))]
    rows = (
        _row(pooled, repeat, int(folds[i]), i)
        for repeat, folds in enumerate(pooled.fold_of)
        for i in range(len(pooled.cohort))
    )
    write_csv(out / PREDICTIONS, header, rows)


def _risk_names(pooled: Pooled) -> list[str]:
    return [f"risk_{years:g}y" for years in pooled.horizons]


def _row(pooled: Pooled, repeat: int, fold: int, i: int) -> list[Any]:
    cohort = pooled.cohort
    causes = cohort.profile.outcome.causes
    row: list[Any] = [cohort.case_ids[i], repeat, fold if fold >= 0 else ""]
    days = f"{cohort.outcome.time[i] * DAYS_A_YEAR:.6g}" if cohort.has_times else ""
    row += [days, causes[int(cohort.outcome.event[i])]]
    for arm in pooled.arms.values():
        result = arm.repeats[repeat]
        values = [result.log_risk[i], *(result.risk[i, pooled.place(years)] for years in pooled.horizons)]
        row += ["" if np.isnan(value) else f"{value:.6g}" for value in values]
    return row
