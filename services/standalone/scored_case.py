"""Scores one case in this process with the handlers of the services, and writes its score and report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from medulla.v1.events_pb2 import STAGE_EMBEDDING, Progress
from medulla.v1.scorer_pb2 import LeftOutSlide, SlideEvidence

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.score_case import ScoreCase
from services.standalone import pictures
from services.standalone.bundle_encoder import check_encoder
from services.standalone.case import Case
from services.standalone.case_inputs import check_inputs, put_inputs
from services.standalone.errors import located, refusal
from services.standalone.exported_case import STORE
from services.standalone.local_slides import SlideFile
from services.standalone.pipeline import OnProgress, Pipeline, open_pipeline
from services.standalone.pipeline_options import Options
from services.standalone.score_files import ScoredCase, write_score
from services.standalone.selection import Refused
from services.standalone.workspace import open_workspace
from services.tiler.ports import Cut
from services.tiler.readers import OpenSlide
from services.tiler.resolution import Override
from shared import keys
from shared.blob.port import BlobStore
from shared.program import program_version
from shared.progress import Advance
from shared.units import CaseId, Level0Px, TilePx

_TOP_TILES = 6
_SHOWN_PX = TilePx(256)
"""Side of a tile in the report, for any encoder."""


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
        slides = {slide.slide_id: slide for slide in case.slides}
        of_tiles = partial(tile_pictures, slides, pipeline.open_slide)
        scored = write_score(store, store.get(event.score_key), out, of_tiles)
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


def tile_pictures(slides: Mapping[str, SlideFile], open_slide: OpenSlide, evidence: SlideEvidence) -> list[str]:
    """Pictures of the most attended tiles, read from the slide."""
    top = evidence.top_tiles[:_TOP_TILES]
    origins = np.array([(tile.x_px, tile.y_px) for tile in top], np.int32).reshape(-1, 2)
    cut = Cut(Level0Px(round(evidence.tile_width_px)), Level0Px(round(evidence.tile_height_px)), _SHOWN_PX)
    with slides[evidence.slide_id].at_hand() as path, open_slide(path, Override()) as reader:
        tiles = reader.read_tiles(origins, cut)
    return [pictures.data_uri(pictures.rgb_png(tile), "image/png") for tile in tiles.pixels]


def _forget(store: BlobStore, case: CaseId) -> None:
    """Drop the index of earlier runs, also of other cases, and the case's earlier record and vectors; bags stay."""
    for prefix in (keys.CASES, keys.CASES_OF, keys.vectors(case)):
        for info in list(store.list(prefix)):
            store.delete(info.key)
    store.delete(keys.clinical(case))
