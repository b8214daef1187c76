"""What is known of a slide's quality and resolution, in words; nothing is counted that no plan checked."""

from collections.abc import Sequence

from medulla.v1.scorer_pb2 import SlideEvidence

from shared.export import score_text

_NOT_CHECKED = "quality_not_checked"


def counts(slide: SlideEvidence) -> Sequence[tuple[str, int]]:
    """What became of the places of the grid, with their numbers; of a slide that no plan checked its tiles alone."""
    ledger = slide.ledger
    if _NOT_CHECKED in slide.qc_flags:
        return [("tiles", ledger.ok)]
    rest = ("background", "pen", "blurred", "corrupt")
    return [("tiles ok", ledger.ok), *((name, getattr(ledger, name)) for name in rest)]


def remarks(slide: SlideEvidence) -> str:
    """The remarks on a slide's quality."""
    return score_text.listed(slide.qc_flags, "no remark")


def resolution(slide: SlideEvidence, unit: str) -> str:
    """The slide's resolution in microns per pixel, which `unit` names; bags without a plan state none."""
    return f"{slide.mpp_x:.3g} x {slide.mpp_y:.3g} {unit}" if slide.mpp_x else "resolution not stated"
