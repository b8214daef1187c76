"""Remarks on a slide's quality that a pathologist should see."""

from services.tiler.grid import GridSpec
from services.tiler.ledger import Ledger
from services.tiler.ports import SlideFacts
from services.tiler.tissue import TissueMap
from shared.slides.verdict import Verdict

_PEN_SHARE = 0.01
"""Of tissue and ink together."""
_BLURRED_SHARE = 0.1
"""Of the tiles with enough clean tissue."""
_FEW_TILES = 50
_ANISOTROPY = 1.02
"""Coarser axis by finer: more than rounding explains for square pixels."""
_COARSE = 1.1
"""Size of a level-0 pixel relative to a tile's: above this, tiles are enlarged, not shrunk."""


def remarks(ledger: Ledger, tissue_map: TissueMap, slide: SlideFacts, grid: GridSpec) -> tuple[str, ...]:
    """Codes of the remarks, in a fixed order."""
    resolution = slide.resolution
    coarser, finer = max(resolution.mpp_x, resolution.mpp_y), min(resolution.mpp_x, resolution.mpp_y)
    ok, blurred = int((ledger == Verdict.OK).sum()), int((ledger == Verdict.BLURRED).sum())
    present = {
        "pen_ink": tissue_map.pen.sum() > _PEN_SHARE * (tissue_map.tissue.sum() + tissue_map.pen.sum()),
        "blurred": blurred > _BLURRED_SHARE * (ok + blurred),
        "few_tiles": ok < _FEW_TILES,
        "unreadable_regions": bool(tissue_map.unreadable.any()),
        "resolution_conflict": bool(resolution.contradicted_by),
        "resolution_override": resolution.source.startswith("override"),
        "anisotropic_pixels": coarser > _ANISOTROPY * finer,
        "low_resolution": coarser > _COARSE * grid.um_per_px,
    }
    return tuple(name for name, is_so in present.items() if is_so)
