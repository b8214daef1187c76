"""Prototypes of a cohort's tiles as the report shows them."""

from pathlib import Path

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.report_model.patients import PrototypeRow
from services.trainer.slides.projection import fit_projection
from services.trainer.slides.prototypes import prototypes
from shared.csv_file import write_csv


def prototype_rows(cohort: Cohort, embeddings: Embeddings | None, seed: int, out: Path) -> tuple[PrototypeRow, ...]:
    """Clusters of tiles with their hazard ratios; writes each patient's shares to prototypes.csv."""
    if embeddings is None:
        return ()
    members = np.flatnonzero(embeddings.has(cohort.case_ids))
    names = [cohort.case_ids[i] for i in members]
    result = prototypes(fit_projection(embeddings, names, [cohort.sites[i] for i in members]), cohort, embeddings, seed)
    header = ["case_id", *(f"share_{k}" for k in range(result.shares.shape[1]))]
    shares = ([case, *(f"{share:.6g}" for share in row)] for case, row in zip(result.cases, result.shares, strict=True))
    write_csv(out / "prototypes.csv", header, shares)
    return result.rows
