"""Reference for single slides of the training cohort, to detect slides of another stain or organ.

Nothing here sees an outcome. Limits come from slides of patients who were left out of the fit.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.bundle.reference import fit_embedding
from services.trainer.cohort.embeddings import BagFile, Embeddings
from shared import keys
from shared.arrays import Floats
from shared.model.reference import ColourDistribution, ColourReference, EmbeddingReference, Limits, SlideReference
from shared.units import Sha256

_FLAG, _BEYOND = 1.1, 1.3
"""Times the largest distance of a left-out slide: flagged, and left out of the score. Set on other slides than those of
EVIDENCE.md, which measures what they find."""
_PARTS = 10
_LEAST = 2 * _PARTS
"""Slides that a reference needs."""
_SHRINKAGE = 0.02
"""Of the correlation of colours towards none."""


@dataclass(frozen=True, eq=False)
class SlideMeasures:
    """What is compared of n slides."""

    cases: Sequence[str]
    """Whose slide it is, [n]."""
    means: Floats
    """Mean embeddings [n, d]."""
    colours: Floats
    """Stain colours [n, k] as the plans say them; k is 0 where one plan does not."""


def slide_measures(case_ids: Sequence[str], embeddings: Embeddings) -> SlideMeasures:
    """Of every slide with tiles; each bag is read once."""
    bags = [bag for case in case_ids for bag in embeddings.by_case.get(case, ()) if bag.tiles]
    means = np.array([bag.rows().mean(axis=0, dtype=np.float64) for bag in bags]).reshape(len(bags), embeddings.width)
    colours = [_colours(embeddings, bag) for bag in bags]
    widths = {len(one) for one in colours}
    known = np.array(colours, np.float64) if len(widths) == 1 else np.zeros((len(bags), 0))
    return SlideMeasures([bag.case_id for bag in bags], means, known)


def slide_reference(measures: SlideMeasures) -> SlideReference | None:
    """The part `slides` of reference.json; None for too few patients with slides."""
    if len(set(measures.cases)) < _LEAST:
        return None
    cases, means, colours = measures.cases, measures.means, measures.colours
    limits = _limits(cases, means, lambda kept, rows: fit_embedding(kept).slide_distances(rows))
    embedding = EmbeddingReference(**fit_embedding(means).model_dump(), limits=limits)
    if not colours.size:
        return SlideReference(embedding=embedding)
    limits = _limits(cases, colours, lambda kept, rows: fit_colours(kept).distances(rows))
    return SlideReference(
        embedding=embedding, colours=ColourReference(**fit_colours(colours).model_dump(), limits=limits)
    )


def shares_of_limit(reference: SlideReference, measures: SlideMeasures) -> Floats:
    """Each slide's distance [n] as a share of the limit beyond which it is left out."""
    embedding, colours = reference.embedding, reference.colours
    shares = embedding.slide_distances(measures.means) / embedding.limits.abstain
    if colours and measures.colours.size:
        shares = np.maximum(shares, colours.distances(measures.colours) / colours.limits.abstain)
    return shares


def _colours(embeddings: Embeddings, bag: BagFile) -> tuple[float, ...]:
    plan = keys.plan_prefix(Sha256(bag.slide_digest), Sha256(bag.plan_digest)) + keys.PLAN
    path = embeddings.folder / plan
    return tuple(json.loads(path.read_bytes()).get("colours", ())) if path.is_file() else ()


def fit_colours(rows: Floats) -> ColourDistribution:
    """Mean of stain colours [n, k], and the whitening of a correlation that is shrunk towards none."""
    spread = np.maximum(rows.std(axis=0, ddof=1), 1e-6)
    correlation = np.cov((rows - rows.mean(axis=0)) / spread, rowvar=False)
    values, vectors = np.linalg.eigh((1 - _SHRINKAGE) * correlation + _SHRINKAGE * np.eye(len(spread)))
    return ColourDistribution(mean=rows.mean(axis=0), whitening=(vectors / np.sqrt(values)).T / spread)


def _limits(cases: Sequence[str], rows: Floats, distances: Callable[[Floats, Floats], Floats]) -> Limits:
    """Limits from the `distances` of rows from a fit of others: a tenth of the patients is left out at a time."""
    names = np.array(cases)
    order = np.random.default_rng(13).permutation(sorted(set(cases)))
    left_out = [np.isin(names, part) for part in np.array_split(order, _PARTS)]
    largest = max(float(distances(rows[~outside], rows[outside]).max()) for outside in left_out)
    return Limits(flag=_FLAG * largest, abstain=_BEYOND * largest)
