"""Reference for single slides of the training cohort, to detect slides of another stain or organ.

Nothing here sees an outcome. Limits come from slides of patients who were left out of the fit.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.trainer.bundle.arm_json import plain
from services.trainer.bundle.reference import fit_embedding, parts_of_distance
from services.trainer.cohort.embeddings import BagFile, Embeddings
from shared import keys
from shared.arrays import Floats
from shared.units import Sha256

_FLAG, _BEYOND = 1.1, 1.3
"""Times the largest distance of a left-out slide: flagged, and left out of the score. Set on other slides than those of
EVIDENCE.md, which measures what they find."""
_PARTS = 10
_LEAST = 2 * _PARTS
"""Slides that a reference needs."""
_SHRINKAGE = 0.02
"""Of the correlation of colours towards none."""

Fit = Callable[[Floats], Mapping[str, Any]]
Measure = Callable[[Mapping[str, Any], Floats], float]


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


def slide_reference(measures: SlideMeasures) -> dict[str, Any] | None:
    """The part `slides` of reference.json; None for too few slides."""
    if len(set(measures.cases)) < _LEAST:
        return None
    embedding = _fitted(measures.cases, measures.means, fit_embedding, _embedding_distance)
    reference: dict[str, Any] = {"embedding": plain(embedding, 6), "beyond": "leave_out", "none_left": "abstain"}
    if measures.colours.size:
        reference["colours"] = plain(_fitted(measures.cases, measures.colours, _fit_colours, colour_distance), 6)
    return reference


def slide_distances(reference: Mapping[str, Any], measures: SlideMeasures) -> Floats:
    """Each slide's distance [n] as a share of the limit past which it is left out, as the scorer tells it."""
    shares = [_shares(reference["embedding"], measures.means, _embedding_distance)]
    if "colours" in reference and measures.colours.size:
        shares.append(_shares(reference["colours"], measures.colours, colour_distance))
    return np.asarray(np.max(shares, axis=0), np.float64)


def colour_distance(fitted: Mapping[str, Any], row: Floats) -> float:
    """Of a slide's colours [k]: root mean square of the whitened offset."""
    return float(np.sqrt(np.mean((fitted["whitening"] @ (row - fitted["mean"])) ** 2)))


def _embedding_distance(fitted: Mapping[str, Any], row: Floats) -> float:
    along, off = parts_of_distance(fitted, row)
    return max(float(np.sqrt(np.mean(along**2))), off)


def _colours(embeddings: Embeddings, bag: BagFile) -> tuple[float, ...]:
    plan = keys.plan_prefix(Sha256(bag.slide_digest), Sha256(bag.plan_digest)) + keys.PLAN
    path = embeddings.folder / plan
    return tuple(json.loads(path.read_bytes()).get("colours", ())) if path.is_file() else ()


def _fit_colours(rows: Floats) -> dict[str, Any]:
    """Mean, and the whitening of a correlation that is held back towards none."""
    spread = np.maximum(rows.std(axis=0, ddof=1), 1e-6)
    correlation = np.cov((rows - rows.mean(axis=0)) / spread, rowvar=False)
    values, vectors = np.linalg.eigh((1 - _SHRINKAGE) * correlation + _SHRINKAGE * np.eye(len(spread)))
    return {"mean": rows.mean(axis=0), "whitening": (vectors / np.sqrt(values)).T / spread}


def _fitted(cases: Sequence[str], rows: Floats, fit: Fit, measure: Measure) -> dict[str, Any]:
    """A fit of all with limits from slides that were left out of it, a tenth of the patients at a time."""
    names = np.array(cases)
    order = np.random.default_rng(13).permutation(sorted(set(cases)))
    largest = 0.0
    for part in np.array_split(order, _PARTS):
        outside = np.isin(names, part)
        fitted = fit(rows[~outside])
        largest = max(largest, *(measure(fitted, row) for row in rows[outside]))
    return dict(fit(rows)) | {"limits": {"flag": _FLAG * largest, "abstain": _BEYOND * largest}}


def _shares(reference: Mapping[str, Any], rows: Floats, measure: Measure) -> Floats:
    fitted = {name: np.asarray(value) for name, value in reference.items() if name != "limits"}
    shares = np.array([measure(fitted, row) for row in rows], np.float64)
    return np.asarray(shares / reference["limits"]["abstain"], np.float64)
