"""Scores one case in this process with the handlers of the services, and writes its score and report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from google.protobuf.json_format import Parse
from medulla.v1.events_pb2 import STAGE_EMBEDDING, Progress
from medulla.v1.scorer_pb2 import LeftOutSlide, Score, SlideEvidence

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.score_case import ScoreCase
from services.standalone import pictures
from services.standalone.bundle_encoder import check_encoder
from services.standalone.case import Case
from services.standalone.case_inputs import check_inputs, put_inputs
from services.standalone.errors import located, refusal
from services.standalone.exported_case import STORE, case_of_file
from services.standalone.local_slides import SlideFile
from services.standalone.pipeline import OnProgress, Pipeline, open_pipeline
from services.standalone.pipeline_options import Options
from services.standalone.report_page import SlidePage, render
from services.standalone.selection import Refused
from services.standalone.workspace import open_workspace
from services.tiler.ports import Cut
from services.tiler.readers import OpenSlide
from services.tiler.resolution import Override
from shared import keys
from shared.blob.port import BlobStore
from shared.export.attention_picture import legend as legend_of
from shared.export.attention_picture import overlay
from shared.export.pdf.report import pdf_report
from shared.export.slide_attention import read_attention
from shared.files import put
from shared.program import program_version
from shared.progress import Advance
from shared.units import CaseId, Level0Px, TilePx

_TOP_TILES = 6
_SHOWN_PX = TilePx(256)
"""Side of a tile in the report, for any encoder."""


@dataclass(frozen=True)
class ScoredCase:
    """A score and its files."""

    score: Score
    score_json: Path
    html: Path
    pdf: Path
    refused: tuple[Refused, ...] = ()
    """Slides and vectors that the score leaves out."""


def score_case(case: Case, bundle: Path, options: Options, out: Path, advance: Advance) -> ScoredCase:
    """Plan, embed and score a case; derived files are kept below `out`, and a second run reuses them.

    Raises:
        PermanentError: the record, the bundle or the encoder is refused, or every slide, or all that there is.
    """
    workspace = open_workspace(out / STORE)
    store = workspace.store
    promoted = promote(store, bundle)
    _forget(store, case.case_id)
    if case.slides:
        check_encoder(promoted, options.encoder)
    refused_vectors = check_inputs(case, promoted, bundle)
    put_inputs(store, case)
    with open_pipeline(workspace, options, _embedded_tiles(advance)) as pipeline:
        refused = (*case.refused, *_embed(case.slides, CaseIndex(store), pipeline))
        handler = ScoreCase(store, Bundles(store), program_version(), left_out=tuple(map(_left_out, refused)))
        event = handler(case.case_id)
        scored = _write(store, store.get(event.score_key), case, out, pipeline.open_slide)
    return replace(scored, refused=(*refused, *refused_vectors))


def _embedded_tiles(advance: Advance) -> OnProgress:
    def on_progress(event: Progress) -> None:
        if event.stage == STAGE_EMBEDDING:
            advance(event.done, event.total)

    return on_progress


def _embed(slides: Sequence[SlideFile], index: CaseIndex, pipeline: Pipeline) -> list[Refused]:
    """Embed and index slides; returns the refused ones. Raises the last refusal if no slide remains."""
    refused = []
    for slide in slides:
        try:
            index.put_slide(pipeline.embed(slide))
        except Exception as error:  # noqa: BLE001 - any error leaves out only its slide
            refused.append(Refused(slide.path, refusal(error), slide.case_id, slide.slide_id))
    if refused and len(refused) == len(slides):
        raise located(refused[-1].error, refused[-1].path)
    return refused


def _left_out(item: Refused) -> LeftOutSlide:
    return LeftOutSlide(slide_id=item.slide_id or item.path.name, reason=item.error.reason, sentence=str(item.error))


def _write(store: BlobStore, score_json: bytes, case: Case, out: Path, open_slide: OpenSlide) -> ScoredCase:
    score_message = Parse(score_json, Score())
    slides = {slide.slide_id: slide for slide in case.slides}
    pages = [_page(store, evidence, slides[evidence.slide_id], open_slide) for evidence in score_message.slides]
    scored = ScoredCase(score_message, out / "score.json", out / "report.html", out / "report.pdf")
    scored.score_json.write_bytes(score_json)
    scored.html.write_text(render(score_message, pages), encoding="utf-8")
    put(scored.pdf, pdf_report(case_of_file(scored.score_json)))
    return scored


def _page(store: BlobStore, evidence: SlideEvidence, slide: SlideFile, open_slide: OpenSlide) -> SlidePage:
    thumbnail = store.get(evidence.thumbnail_key)
    attention, legend, top = "", "", list[str]()
    if evidence.attention_key:
        attention_map = read_attention(store.get(evidence.attention_key), evidence.slide_id)
        attention = pictures.data_uri(pictures.rgb_png(overlay(thumbnail, evidence, attention_map)), "image/png")
        legend = legend_of(attention_map)
        top = _top_tiles(evidence, slide, open_slide) if attention_map.has_preference else []
    whole = pictures.data_uri(thumbnail, "image/jpeg")
    return SlidePage(evidence, whole, attention, legend, top)


def _top_tiles(evidence: SlideEvidence, slide: SlideFile, open_slide: OpenSlide) -> list[str]:
    top = evidence.top_tiles[:_TOP_TILES]
    origins = np.array([(tile.x_px, tile.y_px) for tile in top], np.int32).reshape(-1, 2)
    cut = Cut(Level0Px(round(evidence.tile_width_px)), Level0Px(round(evidence.tile_height_px)), _SHOWN_PX)
    with slide.at_hand() as path, open_slide(path, Override()) as reader:
        tiles = reader.read_tiles(origins, cut)
    return [pictures.data_uri(pictures.rgb_png(tile), "image/png") for tile in tiles.pixels]


def _forget(store: BlobStore, case: CaseId) -> None:
    """Drop the index of earlier runs, also of other cases, and the case's earlier record and vectors; bags stay."""
    for prefix in (keys.CASES, keys.CASES_OF, keys.vectors(case)):
        for info in list(store.list(prefix)):
            store.delete(info.key)
    store.delete(keys.clinical(case))
