"""Interpretable pathomics: clusters of tiles, their share in each patient, and what a larger share means for risk."""

from typing import Any

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from services.trainer.arms.cox import Sample, derivatives, fit_cox
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.metrics.bootstrap import rounded
from services.trainer.slides.stage import SlideModel

PROTOTYPES = 8
_SAMPLED = 128
_Z = 1.959964


def prototypes(model: SlideModel, cohort: Cohort, embeddings: Embeddings, seed: int) -> dict[str, Any]:
    """For each prototype: centre on the projected axes, mean share, hazard ratio per SD of share, three example tiles.

    Descriptive: clusters and hazard ratios are of the whole cohort, and nothing is predicted by them.
    """
    members = np.flatnonzero(embeddings.has(cohort.case_ids))
    cases = [cohort.case_ids[i] for i in members]
    tiles = [model.projection(embeddings.bag(case, _SAMPLED)) for case in cases]
    everything = np.concatenate(tiles)
    count = min(PROTOTYPES, len(everything))
    found = MiniBatchKMeans(count, random_state=seed % 2**31, n_init=3).fit(everything)
    shares = np.stack([np.bincount(found.predict(part), minlength=count) / len(part) for part in tiles])
    outcome = cohort.outcome[members]
    rows = []
    for k in range(count):
        spread = float(shares[:, k].std())
        row: dict[str, Any] = {
            "prototype": k,
            "mean_share": rounded(float(shares[:, k].mean())),
            "spread": rounded(spread),
        }
        row["most_in"] = [cases[i] for i in np.argsort(-shares[:, k], kind="stable")[:3]]
        if spread > 0:
            sample = Sample.of((shares[:, k : k + 1] - shares[:, k].mean()) / spread, outcome.time, outcome.relapsed)
            beta = fit_cox(sample, 0.1)
            error = float(np.linalg.inv(derivatives(sample, beta, 0.1)[1])[0, 0] ** 0.5)
            ends = [rounded(float(np.exp(beta[0] + z * error)), 4) for z in (0, -_Z, _Z)]
            row["hazard_ratio_per_sd"] = {"est": ends[0], "lo": ends[1], "hi": ends[2]}
        row["centre"] = [rounded(float(value), 4) for value in found.cluster_centers_[k]]
        rows.append(row)
    return {"version": 1, "axes": int(everything.shape[1]), "prototypes": rows}
