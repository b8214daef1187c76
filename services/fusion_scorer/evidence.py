"""What a reader of a score sees of each slide: quality, and where the model looked."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from medulla.v1.scorer_pb2 import Remark, SlideEvidence, SlideProvenance, TopTile

from services.fusion_scorer.inputs import SlideInput
from services.fusion_scorer.ood import Distance
from services.fusion_scorer.slide_risk import ReadTiles
from shared import keys
from shared.arrays import Members
from shared.tensors import encode_tensors
from shared.units import Sha256

TOP_TILES = 12

Attention = npt.NDArray[np.float32]


def slide_evidence(slide: SlideInput, tiles: ReadTiles | None, far: Distance | None, score_id: Sha256) -> SlideEvidence:
    """A slide's plan, quality and distance; without `tiles` there is no map."""
    embedded, plan = slide.embedded, slide.plan
    return SlideEvidence(
        slide_id=embedded.slide.slide_id,
        slide_digest=embedded.slide.digest,
        ledger=embedded.ledger,
        qc_flags=_flags(slide),
        top_tiles=top_tiles(tiles.attention, slide.coords) if tiles else [],
        attention_key=keys.attention(Sha256(embedded.slide.digest), score_id) if tiles else "",
        thumbnail_key=embedded.plan.prefix + keys.THUMBNAIL,
        width_px=plan.slide.width_px,
        height_px=plan.slide.height_px,
        tile_width_px=plan.tile_width_px,
        tile_height_px=plan.tile_height_px,
        mpp_x=plan.slide.mpp_x,
        mpp_y=plan.slide.mpp_y,
        mpp_source=plan.slide.mpp_source,
        out_of_distribution=far.message() if far else None,
    )


def resolution_remarks(slides: Iterable[SlideInput]) -> Iterator[Remark]:
    """A remark for each slide whose sources state different resolutions, with all of them."""
    for slide in slides:
        facts = slide.plan.slide
        if facts.mpp_contradicted_by:
            others = " and ".join(_stated(each.mpp_x, each.mpp_y, each.source) for each in facts.mpp_contradicted_by)
            used = _stated(facts.mpp_x, facts.mpp_y, facts.mpp_source)
            stated = f"Slide {slide.slide_id} was read at {used}, but states {others} too"
            sentence = f"{stated}: see which of them is right."
            yield Remark(code="resolution_conflict", sentence=sentence, slide_id=slide.slide_id)


def _stated(mpp_x: float, mpp_y: float, source: str) -> str:
    return f"{mpp_x:.4g} x {mpp_y:.4g} um/px ({source})"


def top_tiles(attention: Attention, coords: npt.NDArray[np.int32]) -> list[TopTile]:
    """The most attended tiles, highest first; of equals the one that comes first in the plan."""
    order = np.argsort(-attention, kind="stable")[:TOP_TILES]
    return [TopTile(x_px=coords[i, 0], y_px=coords[i, 1], attention=attention[i]) for i in order]


def attention_file(slide: SlideInput, tiles: ReadTiles, classes: Members | None) -> bytes:
    """safetensors with attention float32 [n], coords int32 [n, 2] and, where there are any, uint8 [n] of each kind:

    `prototype`, the number of each tile's prototype, and `composition`, that of its likeliest class.
    """
    members = {"prototype": tiles.prototypes, "composition": classes}
    known = {name: numbers for name, numbers in members.items() if numbers is not None}
    return encode_tensors({"attention": tiles.attention, "coords": slide.coords, **known})


def provenance(slide: SlideInput) -> SlideProvenance:
    """The digests that lead from a score back to a slide."""
    embedded = slide.embedded
    return SlideProvenance(
        slide_id=embedded.slide.slide_id,
        slide_digest=embedded.slide.digest,
        plan_digest=embedded.plan.digest,
        bag_digest=embedded.bag.digest,
    )


def _flags(slide: SlideInput) -> list[str]:
    """The plan's remarks, what only decoding shows, and whether there was no plan to check the slide."""
    corrupt = {"corrupt_tiles"} if slide.embedded.ledger.corrupt else set()
    unchecked = {"quality_not_checked"} if slide.plan.ledger is None else set()
    return sorted({*slide.plan.qc_flags, *corrupt, *unchecked})
