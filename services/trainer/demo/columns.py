"""The columns of the Cox models, as the bundle writes them, and their values for a cohort."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from shared.arrays import Floats

PATHOMICS = "pathomics"


@dataclass(frozen=True)
class Column:
    """How a variable becomes a number; `impute`, `mean` and `scale` come from the training cohort."""

    name: str
    variable: str
    form: str
    """value, below, level or missing."""
    levels: tuple[str, ...] = ()
    cut: float = 0.0
    impute: float = 0.0
    mean: float = 0.0
    scale: float = 1.0

    def as_json(self) -> dict[str, object]:
        """The column as the bundle's arm files hold it."""
        return asdict(self)


CLINICAL = (
    Column("age", "age_at_diagnosis_years", "value"),
    Column("age < 3 years", "age_at_diagnosis_years", "below", cut=3.0),
    Column("male", "sex", "level", levels=("male",)),
    Column("metastatic", "chang_m_stage", "level", levels=("M1", "M2", "M3", "M4")),
    Column("stage missing", "chang_m_stage", "missing"),
    Column("residual tumour", "extent_of_resection", "level", levels=("STR", "biopsy")),
    Column("resection missing", "extent_of_resection", "missing"),
    Column("LCA", "histology", "level", levels=("LCA",)),
    Column("DN or MBEN", "histology", "level", levels=("DN", "MBEN")),
    Column("histology missing", "histology", "missing"),
)
MOLECULAR = (
    Column("WNT", "molecular_group", "level", levels=("WNT",)),
    Column("SHH", "molecular_group", "level", levels=("SHH",)),
    Column("G3", "molecular_group", "level", levels=("G3",)),
    Column("TP53 mutated", "tp53_status", "level", levels=("mut",)),
    Column("TP53 missing", "tp53_status", "missing"),
    Column("MYC amplified", "myc_amp", "level", levels=("yes",)),
    Column("MYCN amplified", "mycn_amp", "level", levels=("yes",)),
)
SLIDES = (Column(PATHOMICS, PATHOMICS, "value"),)


def fitted(columns: Sequence[Column], table: pd.DataFrame) -> tuple[Column, ...]:
    """Take imputation (the mean of what is known), mean and scale of each column from a training table."""
    return tuple(_fitted(column, table) for column in columns)


def design(columns: Sequence[Column], table: pd.DataFrame) -> Floats:
    """Standardised values [n, c]; what is missing takes the column's imputation."""
    filled = [_raw(column, table).fillna(column.impute) for column in columns]
    standardised = [(values - column.mean) / column.scale for column, values in zip(columns, filled, strict=True)]
    return np.stack([np.asarray(values, np.float64) for values in standardised], axis=1)


def _fitted(column: Column, table: pd.DataFrame) -> Column:
    raw = _raw(column, table)
    impute = float(raw.mean()) if raw.notna().any() else 0.0
    filled = raw.fillna(impute)
    spread = float(filled.std(ddof=0))
    return replace(column, impute=impute, mean=float(filled.mean()), scale=spread if spread > 0 else 1.0)


def _raw(column: Column, table: pd.DataFrame) -> "pd.Series[float]":
    """Numbers before standardisation, NaN where the variable is missing."""
    values = table[column.variable]
    if column.form == "missing":
        return values.isna().astype(float)
    if column.form == "value":
        return values.astype(float)
    hit = values.astype(float) < column.cut if column.form == "below" else values.isin(column.levels)
    return hit.astype(float).where(values.notna())
