"""Recovery of known hazard ratios: the report's multivariable estimates on many SIMULATED tables."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.cohort.table import read_cohort
from services.trainer.evaluation.hazard_ratios import hazard_ratios
from services.trainer.profile import load_profile
from services.trainer.simulation.gaps import as_rows
from services.trainer.simulation.patients import draw_facts
from services.trainer.simulation.simulated_outcome import HAZARD_RATIO, draw_latent, draw_outcome
from services.trainer.simulation.tables import write_table

COLUMNS = {
    "age under 3": "age_at_diagnosis_years < 3.0",
    "metastatic": "chang_m_stage >= M1",
    "LCA": "histology = LCA",
    "DN": "histology = DN",
    "MBEN": "histology = MBEN",
    "TP53 mutated": "tp53_status = mut",
    "MYC amplified": "myc_amp = yes",
    "MYCN amplified": "mycn_amp = yes",
}
"""What the simulation calls it, and the column of the design. Residual tumour has no column of its own."""


@dataclass(frozen=True)
class RecoveryPlan:
    """Many tables without an effect of the slides, drawn with the seeds `first` to `first + tables - 1`."""

    first: int
    tables: int
    patients: int
    complete: bool
    """Keep only patients without a missing value, of a cohort drawn large enough."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-recovery"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        del data
        tables = [self._table(seed, work / f"{seed}.csv") for seed in range(self.first, self.first + self.tables)]
        estimates = {name: [one[column] for one in tables if column in one] for name, column in COLUMNS.items()}
        return {name: _summary(name, rows) for name, rows in estimates.items() if len(rows) > 1}

    def _table(self, seed: int, path: Path) -> dict[str, dict[str, float]]:
        """Estimates by column on one table."""
        rng = np.random.default_rng([seed, 1])
        facts = draw_facts(3 * self.patients if self.complete else self.patients, rng)
        simulated_outcome = draw_outcome(facts, draw_latent(facts, rng), 1.0, rng)
        names = [f"SIMULATED-{seed}-{i:05d}" for i in range(len(facts))]
        write_table(path, as_rows(names, [""] * len(facts), facts, simulated_outcome, rng))
        cohort = read_cohort(path, load_profile())
        if self.complete:
            cohort = cohort.take(np.flatnonzero(~np.isnan(cohort.values).any(axis=1))[: self.patients])
        ratios = {row.column: asdict(row.ratio) for row in hazard_ratios(cohort)}
        return {column: ratio for column, ratio in ratios.items() if None not in ratio.values()}


def _summary(name: str, rows: list[dict[str, float]]) -> dict[str, Any]:
    truth = HAZARD_RATIO[name]
    logs = np.log([row["est"] for row in rows])
    inside = np.array([row["lo"] <= truth <= row["hi"] for row in rows])
    error = logs - np.log(truth)
    return {
        "true": truth,
        "tables": len(rows),
        "mean": float(np.exp(logs.mean())),
        "bias": float(error.mean()),
        "bias_error": float(error.std(ddof=1) / np.sqrt(len(rows))),
        "covered": float(inside.mean()),
    }
