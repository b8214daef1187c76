"""`medulla inspect`: what the reader sees of a slide, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from os import cpu_count
from pathlib import Path

from services.standalone.workspace import SlideFile, find
from services.tiler.errors import NotASlideError, NoTissueError
from services.tiler.in_place import slide_digest
from services.tiler.isolation import isolated_readers
from services.tiler.planner import PlanSpec, plan
from services.tiler.readers import OpenSlide
from services.tiler.resolution import Override
from shared.errors import PermanentError, explain

_TILES_PER_CPU_SECOND = 100
"""Of the default encoder, decoding included; `make bench` measures it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One slide as the tiler sees it; `reason` and `sentence` are empty where nothing is wrong."""

    slide: str
    format: str = ""
    codec: str = ""
    levels: int = 0
    width_px: int = 0
    height_px: int = 0
    mpp_x: float = 0.0
    mpp_y: float = 0.0
    mpp_source: str = ""
    tissue_mm2: float = 0.0
    tiles: int = 0
    qc_flags: tuple[str, ...] = ()
    expected_seconds: float = 0.0
    reason: str = ""
    sentence: str = ""

    def as_dict(self) -> dict[str, object]:
        """The finding as JSON wants it."""
        return asdict(self)

    def line(self) -> str:
        """The finding in one line."""
        if self.reason:
            return f"{self.slide}: {self.sentence}"
        flags = ", ".join(self.qc_flags) or "no remark"
        return (
            f"{self.slide}: {self.format}, {self.codec}, {self.levels} level{'s' * (self.levels > 1)}, "
            f"{self.width_px} x {self.height_px} px at {self.mpp_x:.4g} x {self.mpp_y:.4g} um/px ({self.mpp_source}), "
            f"tissue {self.tissue_mm2:.3g} mm2, {self.tiles} tiles, {flags}, about {self.expected_seconds:.0f} s"
        )


def inspect(paths: Sequence[Path], default_mpp: float | None) -> list[Finding]:
    """Look at slides, and at every slide of folders that hold `slides/{case_id}/`; nothing is written."""
    with isolated_readers() as open_slide:
        return [_finding(slide, default_mpp, open_slide) for slide in find(paths)]


def _finding(slide: SlideFile, default_mpp: float | None, open_slide: OpenSlide) -> Finding:
    try:
        return _seen(slide, default_mpp, open_slide)
    except PermanentError as error:
        return Finding(str(slide.path), reason=error.reason, sentence=explain(error))


def _seen(slide: SlideFile, default_mpp: float | None, open_slide: OpenSlide) -> Finding:
    if not slide.path.is_file():
        raise NotASlideError(f"{slide.path} is no file")
    with open_slide(slide.path, Override(default=default_mpp)) as reader:
        made = plan(reader, PlanSpec(), slide_digest(slide.path))
    if not len(made.coords):
        raise NoTissueError(f"{slide.path}: no tile shows enough clean, sharp tissue")
    facts, said = made.slide, made.slide.resolution
    return Finding(
        slide=str(slide.path),
        format=facts.format,
        codec=facts.codec,
        levels=len(facts.levels),
        width_px=facts.width_px,
        height_px=facts.height_px,
        mpp_x=said.mpp_x,
        mpp_y=said.mpp_y,
        mpp_source=said.source,
        tissue_mm2=made.tissue_mm2,
        tiles=len(made.coords),
        qc_flags=made.qc_flags,
        expected_seconds=round(1 + len(made.coords) / (_TILES_PER_CPU_SECOND * (cpu_count() or 1)), 1),
    )
