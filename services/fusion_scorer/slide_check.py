"""Compares each slide with the training slides, and leaves out those that are unlike them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from medulla.v1.scorer_pb2 import LeftOutSlide, Remark

from services.fusion_scorer import ood
from services.fusion_scorer.inputs import SlideInput
from services.fusion_scorer.ood import Distance
from shared.model.reference import SlideReference

OUT_OF_DISTRIBUTION = "out_of_distribution"


@dataclass(frozen=True)
class CheckedSlides:
    """The slides of a case that a score may use, and the distances of all of them."""

    used: tuple[SlideInput, ...]
    distances: Mapping[str, Distance] = field(default_factory=dict)
    """By slide id, the distance that is largest relative to its limit; empty without a slide reference."""
    left_out: tuple[LeftOutSlide, ...] = ()
    remarks: tuple[Remark, ...] = ()
    too_far: Distance | None = None
    """The farthest slide, if the bundle's rule is to abstain; else None."""


def check_slides(reference: SlideReference | None, slides: Sequence[SlideInput]) -> CheckedSlides:
    """Compare each slide with the training cohort's slides and follow the bundle's rule for those beyond the limit."""
    if reference is None:
        return CheckedSlides(tuple(slides))
    distances = {slide.slide_id: far for slide in slides if (far := _distance(reference, slide))}
    beyond = {slide_id: far for slide_id, far in distances.items() if far.too_far}
    used = tuple(slide for slide in slides if slide.slide_id not in beyond)
    abstain = beyond and (reference.beyond == "abstain" or (not used and reference.none_left == "abstain"))
    return CheckedSlides(
        used=used,
        distances=distances,
        left_out=tuple(_left_out(slide_id, far) for slide_id, far in beyond.items()),
        remarks=tuple(_remark(slide_id) for slide_id in beyond),
        too_far=ood.farthest(list(beyond.values())) if abstain else None,
    )


def _distance(reference: SlideReference, slide: SlideInput) -> Distance | None:
    """None for a slide without tiles, which a score does not use."""
    if not len(slide.features):
        return None
    mean = slide.features.mean(axis=0, dtype=np.float64)
    colours = np.array(slide.plan.colours, np.float64)
    return ood.farthest(ood.slide_distances(reference, mean, colours, slide.slide_id))


def _left_out(slide_id: str, far: Distance) -> LeftOutSlide:
    sentence = (
        f"T{far.what[1:]} lies {far.value:.3g} from the slides of the training cohort, "
        f"and the bundle uses slides up to {far.limits.abstain:.3g}."
    )
    return LeftOutSlide(slide_id=slide_id, reason=OUT_OF_DISTRIBUTION, sentence=sentence)


def _remark(slide_id: str) -> Remark:
    sentence = (
        f"Slide {slide_id} is unlike the slides that the model was fitted on: check that it is stained with "
        "haematoxylin and eosin (no immunohistochemistry), shows the tumour, and belongs to this case."
    )
    return Remark(code=OUT_OF_DISTRIBUTION, sentence=sentence, slide_id=slide_id)
