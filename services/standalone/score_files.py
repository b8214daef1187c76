"""The files of one score: `score.json`, and its report as HTML and PDF."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.json_format import Parse
from medulla.v1.scorer_pb2 import Score, SlideEvidence

from services.standalone import pictures
from services.standalone.exported_case import case_of_file
from services.standalone.report_page import SlidePage, render
from services.standalone.selection import Refused
from shared.blob.port import BlobStore, read_if_there
from shared.export.attention_picture import legend as legend_of
from shared.export.attention_picture import overlay
from shared.export.pdf.report import pdf_report
from shared.export.slide_attention import read_attention
from shared.files import put

TilePictures = Callable[[SlideEvidence], Sequence[str]]
"""Pictures of a slide's most attended tiles, as `data:` addresses."""


@dataclass(frozen=True)
class ScoredCase:
    """A score and its files."""

    score: Score
    score_json: Path
    html: Path
    pdf: Path
    refused: tuple[Refused, ...] = ()
    """Slides and vectors that the score leaves out."""


def write_score(store: BlobStore, score_json: bytes, out: Path, tile_pictures: TilePictures) -> ScoredCase:
    """Write a score and its reports into `out`, with the thumbnails and maps that `store` holds."""
    score = Parse(score_json, Score())
    scored = ScoredCase(score, out / "score.json", out / "report.html", out / "report.pdf")
    put(scored.score_json, score_json)
    pages = [slide_page(store, evidence, tile_pictures) for evidence in score.slides]
    scored.html.write_text(render(score, pages), encoding="utf-8")
    put(scored.pdf, pdf_report(case_of_file(scored.score_json)))
    return scored


def slide_page(store: BlobStore, evidence: SlideEvidence, tile_pictures: TilePictures) -> SlidePage:
    """What the report shows of a slide; without a stored thumbnail there is no map."""
    thumbnail = read_if_there(store, evidence.thumbnail_key)
    if thumbnail is None:
        return SlidePage(evidence)
    whole = pictures.data_uri(thumbnail, "image/jpeg")
    if not evidence.attention_key:
        return SlidePage(evidence, whole)
    attention = read_attention(store.get(evidence.attention_key), evidence.slide_id)
    painted = pictures.data_uri(pictures.rgb_png(overlay(thumbnail, evidence, attention)), "image/png")
    tiles = tile_pictures(evidence) if attention.has_preference else ()
    return SlidePage(evidence, whole, painted, legend_of(attention), tiles, attention.has_preference)
