"""Interpretable pathomics: clusters of tiles, their share in each patient, and what a larger share means for risk."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from services.trainer.arms.cox import Sample, derivatives, fit_cox
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.cohort.embeddings import Embeddings, Features
from services.trainer.metrics.bootstrap import NO_FIGURE, Figure, rounded
from services.trainer.report_model.patients import PrototypeRow, TileExample
from shared.arrays import Floats, Ints
from shared.model.prototypes import MOST, Prototypes

_SAMPLED = 128
_EXAMPLES = 3
_Z = 1.959964
_RIDGE = 0.1


@dataclass(frozen=True, eq=False)
class CohortPrototypes:
    """Clusters of the tiles of a whole cohort. Descriptive: nothing is predicted by them."""

    centres: Features
    """[k, axes], on the projected axes."""
    cases: tuple[str, ...]
    shares: Floats
    """[cases, k], share of a patient's tiles that belong to each."""
    rows: tuple[PrototypeRow, ...]

    def served(self) -> Prototypes:
        """The prototypes as a bundle holds them, without names of patients."""
        ratios = [row.hazard_ratio_per_sd or NO_FIGURE for row in self.rows]
        values = np.array([[ratio.est, ratio.lo, ratio.hi] for ratio in ratios], np.float64)
        return Prototypes(self.centres, self.shares.mean(axis=0), values)


def prototypes(
    project: Callable[[Features], Features], cohort: Cohort, embeddings: Embeddings, seed: int
) -> CohortPrototypes:
    """Cluster sampled tiles [n, d], projected to [n, axes], each patient counting by the same number of them at most.

    The hazard ratio is of one standard deviation of the share, alone in a Cox model of the whole cohort.
    """
    members = np.flatnonzero(embeddings.has(cohort.case_ids))
    cases = tuple(cohort.case_ids[i] for i in members)
    tiles = [project(embeddings.bag(case, _SAMPLED)) for case in cases]
    everything = np.concatenate(tiles)
    count = min(MOST, len(np.unique(everything, axis=0)))
    clusters = MiniBatchKMeans(count, random_state=seed % 2**31, n_init=3).fit(everything)
    centres = np.asarray(clusters.cluster_centers_, np.float32)
    shares = np.stack([np.bincount(clusters.predict(bag), minlength=count) / len(bag) for bag in tiles])
    outcome = cohort.outcome[members]
    examples = [_nearest(centre, cases, tiles, embeddings) for centre in centres]
    rows = tuple(_row(k, shares[:, k], cases, outcome, examples[k]) for k in range(count))
    return CohortPrototypes(centres, cases, shares, rows)


def _row(
    k: int, share: Floats, cases: tuple[str, ...], outcome: Outcome, examples: tuple[TileExample, ...]
) -> PrototypeRow:
    return PrototypeRow(
        prototype=k,
        mean_share=rounded(float(share.mean())),
        spread=rounded(float(share.std())),
        share_with_event=_mean(share[outcome.is_event]),
        share_without=_mean(share[~outcome.is_event]),
        most_in=tuple(cases[i] for i in np.argsort(-share, kind="stable")[:_EXAMPLES] if share[i] > 0),
        hazard_ratio_per_sd=_hazard_ratio(share, outcome) if share.std() > 0 else None,
        examples=examples,
    )


def _mean(share: Floats) -> float | None:
    return rounded(float(share.mean())) if len(share) else None


def _hazard_ratio(share: Floats, outcome: Outcome) -> Figure:
    sample = Sample.of(((share - share.mean()) / share.std())[:, None], outcome.time, outcome.is_event)
    beta = fit_cox(sample, _RIDGE)
    error = float(np.linalg.inv(derivatives(sample, beta, _RIDGE)[1])[0, 0] ** 0.5)
    est, lo, hi = (float(np.exp(beta[0] + z * error)) for z in (0, -_Z, _Z))
    return Figure(est, lo, hi).rounded(4)


def _nearest(
    centre: Features, cases: tuple[str, ...], tiles: list[Features], embeddings: Embeddings
) -> tuple[TileExample, ...]:
    """The nearest tile of each of the patients with the nearest tiles."""
    far = [((bag - centre) ** 2).sum(axis=1) for bag in tiles]
    closest: Ints = np.argsort([bag.min() for bag in far], kind="stable")[:_EXAMPLES]
    places = (embeddings.tile(cases[i], int(far[i].argmin()), _SAMPLED) for i in closest)
    return tuple(TileExample.model_validate(place) for place in places)
