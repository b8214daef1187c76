"""How the primary arm and its baseline do in parts of a cohort."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from services.trainer.arms.registry import PRIMARY
from services.trainer.evaluation.contrasts import baseline_of
from services.trainer.evaluation.figures import metrics
from services.trainer.evaluation.pooled import Pooled
from services.trainer.metrics.bootstrap import Bootstrap
from services.trainer.report_model.arms import Subgroup
from shared.arrays import Flags

_LEAST = 5
"""A part with fewer events gets no figure."""
MOST_SITES = 10
"""Of more sites the smallest are joined."""


def subgroups(pooled: Pooled, bootstrap: Bootstrap) -> tuple[Subgroup, ...]:
    """Harrell's C of the primary arm and of its baseline in every subgroup of the profile, and in every site."""
    cohort = pooled.cohort
    named = {name: cohort.holds(cohort.profile.expression(text)) for name, text in cohort.profile.subgroups.items()}
    named |= by_site(cohort.sites) if cohort.has_sites else {}
    return tuple(_row(pooled, bootstrap, name, mask) for name, mask in named.items())


def by_site(sites: Sequence[str]) -> dict[str, Flags]:
    """Patients [n] of each site by name; of more than MOST_SITES the smallest are joined to tell more."""
    sizes = Counter(sites)
    largest = sorted(sizes, key=lambda site: (-sizes[site], site))
    own = largest if len(largest) <= MOST_SITES else largest[: MOST_SITES - 1]
    parts = {f"site {site}": np.array([name == site for name in sites]) for site in sorted(own)}
    if joined := len(largest) - len(own):
        parts[f"other sites ({joined})"] = np.array([name not in own for name in sites])
    return parts


def modalities(pooled: Pooled, bootstrap: Bootstrap, has_slides: Flags | None) -> tuple[Subgroup, ...]:
    """The same by known blocks: patients without a block are served by the model of the others."""
    cohort = pooled.cohort
    blocks, slides = cohort.profile.block_names, cohort.profile.slides
    known = {block: cohort.has_block(block) for block in blocks}
    if has_slides is not None and slides:
        known[slides.name] = known[slides.name] | has_slides
    patterns = sorted({tuple(bool(known[block][i]) for block in blocks) for i in range(len(cohort))}, reverse=True)
    rows = []
    for pattern in patterns:
        mask = np.logical_and.reduce([known[block] == has for block, has in zip(blocks, pattern, strict=True)])
        name = ", ".join(block for block, has in zip(blocks, pattern, strict=True) if has) or "nothing known"
        rows.append(_row(pooled, bootstrap, name, mask))
    return tuple(rows)


def _row(pooled: Pooled, bootstrap: Bootstrap, name: str, mask: Flags) -> Subgroup:
    events = int(pooled.cohort.outcome.is_event[mask].sum())
    figures = {}
    of = metrics(pooled)["harrell_c"]
    for arm in dict.fromkeys((baseline_of(pooled), PRIMARY)):
        if arm in pooled.arms and events >= _LEAST:
            index = np.intersect1d(np.flatnonzero(mask), pooled.arms[arm].known)
            figures[arm] = bootstrap.figure(pooled.figure(arm, index, of)).rounded()
    return Subgroup(name=name, n=int(mask.sum()), events=events, harrell_c=figures)
