"""What the reader sees of a slide, or its problem."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from os import cpu_count

from services.embedder.errors import TooManyCorruptTilesError
from services.embedder.handler import EmbedSlide
from services.standalone.advice import here
from services.standalone.console import one_line, progress
from services.standalone.errors import refusal
from services.standalone.local_slides import SlideFile
from services.standalone.selection import Item, Refused
from services.tiler.damage import count_corrupt
from services.tiler.errors import NoTissueError
from services.tiler.isolation import isolated_readers
from services.tiler.planner import PlanSpec, plan
from services.tiler.ports import Resolution
from services.tiler.readers import OpenSlide
from services.tiler.resolution import Override
from shared.export import score_text
from shared.progress import Advance

_TILES_PER_CPU_SECOND = 100
"""Of the default encoder, decoding included; `make bench` measures it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One slide as the tiler sees it; `reason` and `sentence` are empty without a problem."""

    slide: str
    format: str = ""
    codec: str = ""
    levels: int = 0
    width_px: int = 0
    height_px: int = 0
    mpp_x: float = 0.0
    mpp_y: float = 0.0
    mpp_source: str = ""
    mpp_contradicted_by: tuple[str, ...] = ()
    """Other resolutions that the slide states, if they differ."""
    tissue_mm2: float = 0.0
    tiles: int = 0
    corrupt: int = 0
    """Tiles that do not decode; the same as in the stream."""
    qc_flags: tuple[str, ...] = ()
    expected_seconds: float = 0.0
    reason: str = ""
    sentence: str = ""
    advice: str = ""

    def as_dict(self) -> dict[str, object]:
        """The finding as JSON."""
        return asdict(self)

    def line(self) -> str:
        """The finding in one line."""
        if self.reason:
            return one_line(f"{self.slide}: {self.sentence} [{self.reason}]. {self.advice}")
        flags = score_text.listed(self.qc_flags, "no remark")
        corrupt = f" ({self.corrupt} corrupt)" if self.corrupt else ""
        source = ", not ".join((self.mpp_source, *self.mpp_contradicted_by))
        return one_line(
            f"{self.slide}: {self.format}, {self.codec}, {self.levels} level{'s' * (self.levels > 1)}, "
            f"{self.width_px} x {self.height_px} px at {self.mpp_x:.4g} x {self.mpp_y:.4g} um/px ({source}), "
            f"tissue {score_text.amount(self.tissue_mm2)} mm2, {self.tiles} tiles{corrupt}, {flags}, "
            f"about {score_text.duration(self.expected_seconds)}"
        )


def find(items: Sequence[Item], default_mpp: float | None) -> list[Finding]:
    """Inspect slides; writes nothing."""
    with isolated_readers() as open_slide:
        return [
            _refusal(item) if isinstance(item, Refused) else _finding(item, default_mpp, open_slide) for item in items
        ]


def _finding(slide: SlideFile, default_mpp: float | None, open_slide: OpenSlide) -> Finding:
    try:
        with progress(f"{one_line(slide.path.name)}, tiles") as advance:
            return look(slide, default_mpp, open_slide, advance)
    except Exception as error:  # noqa: BLE001 - any error of a slide is reported for that slide
        return _refusal(Refused(slide.path, refusal(error)))


def _refusal(refused: Refused) -> Finding:
    error = refused.error
    sentence = str(error).removeprefix(f"{refused.path}: ")
    return Finding(str(refused.path), reason=error.reason, sentence=sentence, advice=here(error.reason, error.advice))


def look(slide: SlideFile, default_mpp: float | None, open_slide: OpenSlide, advance: Advance) -> Finding:
    """Describe one slide; raises if it is refused."""
    slide.check()
    with slide.at_hand() as path, open_slide(path, Override(slide.mpp, default_mpp)) as reader:
        tile_plan = plan(reader, PlanSpec(), slide.digest)
        corrupt = count_corrupt(reader, tile_plan, advance)
    total = len(tile_plan.coords)
    if not total:
        raise NoTissueError("no tile shows enough clean, sharp tissue")
    if corrupt > EmbedSlide.max_corrupt * total:
        raise TooManyCorruptTilesError(
            f"{corrupt} of {total} tiles are corrupt, allowed are {EmbedSlide.max_corrupt:.0%}"
        )
    facts, resolution = tile_plan.slide, tile_plan.slide.resolution
    return Finding(
        slide=str(slide.path),
        format=facts.format,
        codec=facts.codec,
        levels=len(facts.levels),
        width_px=facts.width_px,
        height_px=facts.height_px,
        mpp_x=resolution.mpp_x,
        mpp_y=resolution.mpp_y,
        mpp_source=resolution.source,
        mpp_contradicted_by=tuple(_stated(other) for other in resolution.contradicted_by),
        tissue_mm2=tile_plan.tissue_mm2,
        tiles=total,
        corrupt=corrupt,
        qc_flags=(*tile_plan.qc_flags, *["corrupt_tiles"] * (corrupt > 0)),
        expected_seconds=round(1 + total / (_TILES_PER_CPU_SECOND * (cpu_count() or 1)), 1),
    )


def _stated(other: Resolution) -> str:
    return f"{other.source} with {other.mpp_x:.4g} x {other.mpp_y:.4g}"
