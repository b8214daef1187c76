"""The log-risk of all slides of a case, and the attention of each tile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.fusion_scorer.errors import EncoderMismatchError
from services.fusion_scorer.inputs import SlideInput
from shared.arrays import Members
from shared.model.bundle import Bundle
from shared.model.errors import BadBundleError
from shared.model.mil import MilAnswer

_ROUNDING = 1e-6
"""Attention that differs by a smaller share is equal."""


class ReadTiles(NamedTuple):
    """What the model says of the n tiles of a bag."""

    attention: npt.NDArray[np.float32]
    """[n]; sums to one over the case."""
    prototypes: Members | None
    """[n]; None where the bundle has none."""


@dataclass(frozen=True)
class SlideRisk:
    """The pooled view of all tiles of a case; a bag that two slides share counts once."""

    log_risk: float
    pooled: npt.NDArray[np.float64]
    """Mean embedding [d]."""
    tiles: Mapping[str, ReadTiles]
    """By bag digest."""

    @property
    def has_equal_shares(self) -> bool:
        """Whether all of several tiles have the same attention, as where slides have no weight: none stands out."""
        attention = np.concatenate([read.attention for read in self.tiles.values()])
        return len(attention) > 1 and bool(np.ptp(attention) <= _ROUNDING * attention.max())


def pool_slides(bundle: Bundle, slides: Sequence[SlideInput]) -> SlideRisk | None:
    """Pool all tiles of checked slides; None where the bundle reads no slides or there is not one tile.

    Raises:
        BadBundleError: the model answers with something that is no number.
    """
    if bundle.mil is None or bundle.manifest.profile.slides is None:
        return None
    bags = {slide.embedded.bag.digest: slide.features for slide in slides if len(slide.features)}
    if not bags:
        return None
    digests = sorted(bags)
    tiles = np.concatenate([bags[digest] for digest in digests])
    answer = bundle.mil(tiles)
    if not all(np.isfinite(numbers).all() for numbers in answer if numbers is not None):
        raise BadBundleError(f"mil.onnx of bundle {bundle.manifest.name} gives numbers that are not finite")
    members = _members(bundle, answer)
    by_bag, end = {}, 0
    for digest in digests:
        start, end = end, end + len(bags[digest])
        of_bag = None if members is None else members[start:end]
        by_bag[digest] = ReadTiles(answer.attention[start:end], of_bag)
    return SlideRisk(answer.log_risk, tiles.mean(axis=0, dtype=np.float64), by_bag)


def _members(bundle: Bundle, answer: MilAnswer) -> Members | None:
    if bundle.prototypes is None or answer.projected is None:
        return None
    return bundle.prototypes.nearest(answer.projected)


def check_encoders(bundle: Bundle, slides: Sequence[SlideInput]) -> None:
    """Refuse bags that the bundle cannot read; one without a model of slides reads none.

    Raises:
        EncoderMismatchError: a bag was made by another encoder than the bundle's.
    """
    if bundle.mil is not None:
        for slide in slides:
            _check_encoder(bundle, slide, bundle.mil.width)


def _check_encoder(bundle: Bundle, slide: SlideInput, width: int) -> None:
    wanted, bag = bundle.manifest.encoder, slide.embedded.bag
    if wanted is None or bag.encoder_digest != wanted.digest:
        name = f"{wanted.name} {wanted.digest[:12]}" if wanted else "none"
        raise EncoderMismatchError(
            f"slide {slide.embedded.slide.slide_id} was embedded by {bag.encoder_name} {bag.encoder_digest[:12]}, "
            f"bundle {bundle.manifest.name} reads {name}",
            slide.embedded,
        )
    if slide.features.shape[1] != width:
        raise EncoderMismatchError(
            f"slide {slide.embedded.slide.slide_id} has {slide.features.shape[1]} features a tile, "
            f"bundle {bundle.manifest.name} reads {width}",
            slide.embedded,
        )
