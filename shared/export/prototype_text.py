"""What people read of the prototypes of a score: groups of similar tiles, and what goes with them."""

from collections.abc import Iterator
from math import nan

from medulla.v1.scorer_pb2 import Score, SlideEvidence, TilePrototype

from shared.associations import association
from shared.export.risk_text import percent

MEANING = (
    "Prototypes are groups of similar tiles, found without labels. “Goes with” is an association in the training "
    "cohort, not adjusted for anything: the hazard ratio, with its 95% interval, of one standard deviation more of the "
    "share. No risk is computed from it."
)


def prototype_lines(score: Score, slide: SlideEvidence) -> Iterator[str]:
    """A line on each prototype that tiles of the slide belong to, the most frequent first."""
    for prototype, share in _by_share(score, slide):
        yield f"Prototype {prototype.number}: {percent(share)} of tiles, {_association(prototype)}{_ratio(prototype)}"


def shares(score: Score, slide: SlideEvidence, most: int) -> str:
    """The most frequent prototypes of a slide's tiles in one sentence; empty where there are none."""
    listed = [f"{prototype.number} ({percent(share)} of tiles)" for prototype, share in _by_share(score, slide)]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return f"Prototypes: {', '.join(listed[:most])}{more}." if listed else ""


def _association(prototype: TilePrototype) -> str:
    ratio = prototype.hazard_ratio
    return association(ratio.lo, ratio.hi) if prototype.HasField("hazard_ratio") else association(nan, nan)


def _ratio(prototype: TilePrototype) -> str:
    ratio = prototype.hazard_ratio
    known = f" (hazard ratio {ratio.ratio:.2f}, {ratio.lo:.2f} to {ratio.hi:.2f})"
    return known if prototype.HasField("hazard_ratio") else ""


def _by_share(score: Score, slide: SlideEvidence) -> list[tuple[TilePrototype, float]]:
    shared = zip(score.prototypes, slide.prototype_shares, strict=False)
    return sorted((each for each in shared if each[1] > 0), key=lambda each: -each[1])
