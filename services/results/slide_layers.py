"""Layers that a viewer draws over a slide: tissue mask, what became of every place of the grid, prototypes, classes."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from medulla.v1.scorer_pb2 import SlideEvidence
from safetensors import SafetensorError
from safetensors.numpy import load

from services.results.errors import BrokenEvidenceError, UnknownCaseError
from services.results.evidence import Evidence, Picture
from services.results.member_map import MemberMap
from services.results.member_map import thin_out as member_map
from services.results.tile_classes import Places, TileClasses, classify, thin_out
from shared import keys
from shared.arrays import Corners

MemberLayer: TypeAlias = Literal["prototypes", "composition"]
"""Layers that give every tile a number."""


@dataclass(frozen=True)
class SlideLayers:
    """Reads the plan from which the current score of a case was made, and what it kept of the tiles."""

    evidence: Evidence

    def tissue(self, case_id: str, slide_id: str) -> Picture:
        """The plan's mask, a grey PNG over the whole slide: 0 background, 64 unreadable, 128 pen, 255 tissue.

        Raises:
            UnknownCaseError: there is no such case, slide or mask.
            BrokenEvidenceError: the mask is too large.
        """
        slide = self.evidence.slide(case_id, slide_id)
        return Picture(self._read(slide, keys.PLAN_MASK, "tissue mask"), "image/png")

    def tiles(self, case_id: str, slide_id: str) -> TileClasses:
        """What became of every place of the grid.

        Raises:
            UnknownCaseError: there is no such case, slide or plan.
            BrokenEvidenceError, BrokenMapError: the plan or the attention map is damaged or too large.
        """
        slide = self.evidence.slide(case_id, slide_id)
        ledger = _ledger(self._read(slide, keys.PLAN_TILES, "tile plan"), slide_id)
        tile = (slide.tile_width_px, slide.tile_height_px)
        try:
            return thin_out(classify(ledger, tile, self._embedded(slide)))
        except IndexError as error:
            raise BrokenEvidenceError(f"slide {slide_id} has attention outside of its plan") from error

    def members(self, case_id: str, slide_id: str, layer: MemberLayer) -> MemberMap:
        """The prototype or class of every tile.

        Raises:
            UnknownCaseError: there is no such case or slide, or the score has no such layer of it.
            BrokenEvidenceError, BrokenMapError: the attention file is damaged or too large.
        """
        slide = self.evidence.slide(case_id, slide_id)
        count = len(slide.prototype_shares if layer == "prototypes" else slide.composition_shares)
        if not count:
            raise UnknownCaseError(f"the current score of case {case_id} has no {layer} of slide {slide_id}")
        tiles = self.evidence.tile_attention(slide)
        members = tiles.prototypes if layer == "prototypes" else tiles.composition
        if members is None or members.max(initial=0) >= count:
            raise BrokenEvidenceError(f"attention map of slide {slide_id} lacks the {layer} of its score")
        return member_map(tiles.coords, members, (slide.tile_width_px, slide.tile_height_px))

    def _read(self, slide: SlideEvidence, name: str, description: str) -> bytes:
        prefix = slide.thumbnail_key.removesuffix(keys.THUMBNAIL)
        return self.evidence.read(prefix and prefix + name, f"{description} of slide {slide.slide_id}")

    def _embedded(self, slide: SlideEvidence) -> Corners | None:
        """Corners of the tiles that were embedded; None where the model looked at no tile."""
        return self.evidence.tile_attention(slide).coords if slide.attention_key else None


def _ledger(data: bytes, slide_id: str) -> Places:
    try:
        ledger = load(data)["ledger"]
    except (SafetensorError, KeyError) as error:
        raise BrokenEvidenceError(f"tile plan of slide {slide_id} cannot be read") from error
    if ledger.ndim != 2:
        raise BrokenEvidenceError(f"tile plan of slide {slide_id} has no rows and columns")
    return ledger
