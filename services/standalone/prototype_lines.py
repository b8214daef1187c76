"""The prototypes of a bundle, as `medulla bundle show` prints them."""

from collections.abc import Iterator
from math import isnan

from pydantic import JsonValue

from shared.associations import association
from shared.model.prototypes import Prototypes


def prototype_lines(prototypes: Prototypes | None) -> Iterator[str]:
    """A line each: share of a training patient's tiles, and what goes with more of it."""
    if prototypes is None:
        return
    yield "groups   similar tiles, found without labels; hazard ratios are of one SD of the share in training"
    for number, share, ratio, lo, hi in _rows(prototypes):
        figures = "" if isnan(ratio) else f" ({ratio:.2f}, {lo:.2f} to {hi:.2f})"
        yield f"         prototype {number}: {share:.0%} of a patient's tiles, {association(lo, hi)}{figures}"


def prototypes_json(prototypes: Prototypes | None) -> list[dict[str, JsonValue]]:
    """Each with its number, share and hazard ratio, which is null where undefined."""
    rows = _rows(prototypes) if prototypes else ()
    return [
        {
            "number": number,
            "training_share": share,
            "hazard_ratio": None if isnan(ratio) else {"ratio": ratio, "lo": lo, "hi": hi},
        }
        for number, share, ratio, lo, hi in rows
    ]


def _rows(prototypes: Prototypes) -> Iterator[tuple[int, float, float, float, float]]:
    described = zip(prototypes.shares.tolist(), prototypes.hazard_ratios.tolist(), strict=True)
    return ((number, share, *ratio) for number, (share, ratio) in enumerate(described))
