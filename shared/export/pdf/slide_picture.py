"""The pictures of a score's slides, with attention over them."""

import io
from dataclasses import dataclass

from medulla.v1.scorer_pb2 import SlideEvidence
from PIL import Image

from shared.export import composition_text, prototype_text, quality_text, score_text
from shared.export.attention_picture import legend, overlay, read_picture
from shared.export.errors import NotStoredError
from shared.export.exported_case import ExportedCase

_MOST = 2
"""Pictures that fit the page."""
_PROTOTYPES = 3
"""Prototypes that are named."""
_SIDE_PX = 900
_QUALITY = 85


@dataclass(frozen=True, slots=True)
class SlidePicture:
    """A slide's picture, and the lines beside it."""

    title: str
    lines: list[str]
    alt: str
    jpeg: bytes
    """Empty where no picture is stored."""
    has_attention: bool = False
    """Whether the picture shows attention that differs from tile to tile."""


def slide_pictures(case: ExportedCase) -> list[SlidePicture]:
    """The slides that hold the most attention, then the names of those that do not fit; empty without slides.

    Raises:
        BrokenMapError: a stored map or thumbnail is damaged.
    """
    slides = sorted(case.score.slides, key=lambda slide: -sum(tile.attention for tile in slide.top_tiles))
    shown = [_picture(case, slide) for slide in slides[:_MOST]]
    others = ", ".join(slide.slide_id for slide in slides[_MOST:])
    return [*shown, SlidePicture("Other slides", [others], "", b"")] if others else shown


def _picture(case: ExportedCase, slide: SlideEvidence) -> SlidePicture:
    thumbnail, title = case.thumbnail(slide), score_text.slide_title(slide, case.score)
    groups = composition_text.shares(case.score, slide), prototype_text.shares(case.score, slide, _PROTOTYPES)
    lines = [_ledger(slide), f"Remarks: {score_text.listed(slide.qc_flags, 'none')}.", *filter(None, groups)]
    if thumbnail is None:
        return SlidePicture(title, [*lines, "No picture of the slide is stored."], "", b"")
    try:
        attention = case.attention(slide)
    except NotStoredError:
        image = Image.fromarray(read_picture(thumbnail, slide.slide_id))
        return SlidePicture(title, [*lines, "The model did not look at it, or no map is stored."], title, _jpeg(image))
    if not attention.has_preference:
        image = Image.fromarray(read_picture(thumbnail, slide.slide_id))
        return SlidePicture(title, [*lines, "The model had no preference among the tiles."], title, _jpeg(image))
    image = Image.fromarray(overlay(thumbnail, slide, attention))
    alt = f"{title}: where the model looked, {legend(attention)}"
    return SlidePicture(title, [*lines, f"Attention: {legend(attention)}."], alt, _jpeg(image), has_attention=True)


def _ledger(slide: SlideEvidence) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in quality_text.counts(slide))
    return f"{counts}. {score_text.sentence(quality_text.resolution(slide, 'µm per pixel'))}"


def _jpeg(image: Image.Image) -> bytes:
    image.thumbnail((_SIDE_PX, _SIDE_PX))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
