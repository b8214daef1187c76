"""Every variable of a cohort, in all patients and by whether the event happened."""

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.metrics.bootstrap import rounded
from services.trainer.report_model.patients import CountedCell, MeasuredCell, VariableRow
from shared.arrays import Flags, Floats


def table_one(cohort: Cohort) -> tuple[VariableRow, ...]:
    """Median and quartiles, or counts, and how many are missing."""
    rows = []
    for variable in cohort.profile.variables:
        values = cohort.column(variable.name)
        cells = tuple(_cell(values[mask], variable.levels) for mask in _columns(cohort))
        rows.append(VariableRow(variable=variable.name, unit=variable.unit, block=variable.block, cells=cells))
    return tuple(rows)


def case_mix(cohort: Cohort) -> tuple[VariableRow, ...]:
    """The table of all patients alone: who they are, without what happened to them."""
    return tuple(row.model_copy(update={"cells": row.cells[:1]}) for row in table_one(cohort))


def _columns(cohort: Cohort) -> tuple[Flags, Flags, Flags]:
    is_event = cohort.outcome.is_event
    return np.ones(len(cohort), np.bool_), is_event, ~is_event


def _cell(values: Floats, levels: tuple[str, ...]) -> CountedCell | MeasuredCell:
    known = values[~np.isnan(values)]
    missing = len(values) - len(known)
    if levels:
        counts = np.bincount(known.astype(np.int64), minlength=len(levels))
        return CountedCell(missing=missing, counts=dict(zip(levels, counts.tolist(), strict=True)))
    if not len(known):
        return MeasuredCell(missing=missing, quartiles=None)
    quartiles = tuple(rounded(float(q), 4) for q in np.quantile(known, [0.25, 0.5, 0.75]))
    return MeasuredCell(missing=missing, quartiles=quartiles)
