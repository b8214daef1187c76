"""`medulla score`: one case, in this process, through the handlers that the services run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from google.protobuf.json_format import Parse
from medulla.v1.scorer_pb2 import LeftOutSlide, Score, SlideEvidence
from safetensors.numpy import load as load_tensors

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.score_case import ScoreCase
from services.standalone import pictures
from services.standalone.errors import SeveralCasesError, located, refusal
from services.standalone.fhir_record import flattened, is_fhir
from services.standalone.local_slides import SlideFile
from services.standalone.pictures import AttentionMap
from services.standalone.pipeline import Options, Pipeline, Tell, open_pipeline
from services.standalone.report import SlidePage, render
from services.standalone.selection import Item, Refused, parted
from services.standalone.workspace import open_workspace
from services.tiler.ports import Cut
from services.tiler.readers import OpenSlide
from services.tiler.resolution import Override
from services.trainer.cohort.column_map import load_map
from shared import keys
from shared.blob.port import BlobStore
from shared.json_objects import MAX_BYTES
from shared.model.errors import BadClinicalRecordError
from shared.model.record import parse_record, record_entries, stated_case_id
from shared.units import CaseId, Level0Px, TilePx

DEMO = Path(__file__).parent / "demo"
DEMO_BUNDLE = DEMO / "bundle"
_TOP_TILES = 6
_CASES_SHOWN = 5
_SHOWN_PX = TilePx(256)
"""Side of a tile in the report, whatever the encoder takes."""


@dataclass(frozen=True)
class Case:
    """What is to be scored."""

    case_id: CaseId
    slides: Sequence[SlideFile]
    clinical: bytes | None
    refused: tuple[Refused, ...] = ()
    """What was given beside the slides and is none."""
    readings: Sequence[str] = ()
    """What the map of the record's names and words read as what, in words."""


@dataclass(frozen=True)
class Report:
    """A score and where its files are."""

    score: Score
    score_json: Path
    html: Path
    refused: tuple[Refused, ...] = ()
    """Slides that the score leaves out."""


def case_from(items: Sequence[Item], clinical: Path | None, case_id: str | None, columns: Path | None = None) -> Case:
    """Put a case together: its id is the one given, its folder's, the record's, or the first slide's name.

    Raises:
        BadCaseIdError: the id is no pseudonym.
        BadClinicalRecordError: the record cannot be read at all.
        BadMapError: the map of its names and words is none, or not of this record.
        SeveralCasesError: the slides are of several cases, or of another one.
        PermanentError: there is no slide among `items`.
    """
    slides, refused = parted(items)
    if not slides:
        raise located(refused[0].error, refused[0].path)
    record, readings = _record(clinical, columns) if clinical else (None, [])
    named = _named_case(slides, case_id)
    case = keys.case_id(named or (stated_case_id(record) if record else None) or slides[0].case_id, "--case-id")
    return Case(case, [replace(slide, case_id=case) for slide in slides], record, tuple(refused), readings)


def _named_case(slides: Sequence[SlideFile], case_id: str | None) -> str | None:
    """The id that the command line, folders or a table give the case; None where they give none."""
    names = {slide.case_id for slide in slides if slide.case_named} | ({case_id} if case_id else set())
    if len(names) > 1:
        shown = ", ".join(sorted(names)[:_CASES_SHOWN])
        raise SeveralCasesError(f"the slides are of {len(names)} cases ({shown}), and one is scored at a time")
    return next(iter(names), None)


def score(case: Case, bundle: Path, options: Options, out: Path, tell: Tell = lambda _: None) -> Report:
    """Plan, embed and score a case; everything derived is kept below `out`, and a second run finds it there.

    Raises:
        PermanentError: a slide, the record, the bundle or the encoder is refused.
    """
    workspace = open_workspace(out / "store")
    store = workspace.store
    profile = promote(store, bundle).manifest.profile
    _forget(store, case.case_id)
    if case.clinical is not None:
        parse_record(case.clinical, case.case_id, profile)
        store.put(keys.clinical(case.case_id), case.clinical)
    with open_pipeline(workspace, options, tell) as pipeline:
        refused = (*case.refused, *_embed(case.slides, CaseIndex(store), pipeline))
        score_case = ScoreCase(store, Bundles(store), version("medulla"), left_out=tuple(map(_left_out, refused)))
        event = score_case(case.case_id)
        report = _report(store, store.get(event.score_key), case, out, pipeline.open_slide)
    return replace(report, refused=refused)


def _embed(slides: Sequence[SlideFile], index: CaseIndex, pipeline: Pipeline) -> list[Refused]:
    """Embed and index slides; what is refused of them. Raises the last refusal where none is left."""
    refused = []
    for slide in slides:
        try:
            index.put_slide(pipeline.embed(slide))
        except Exception as error:  # noqa: BLE001 - one slide's error, whatever it is, leaves out that slide
            refused.append(Refused(slide.path, refusal(error), slide.case_id, slide.slide_id))
    if len(refused) == len(slides):
        raise located(refused[-1].error, refused[-1].path)
    return refused


def _left_out(item: Refused) -> LeftOutSlide:
    return LeftOutSlide(slide_id=item.slide_id or item.path.name, reason=item.error.reason, sentence=str(item.error))


def _report(store: BlobStore, score_json: bytes, case: Case, out: Path, open_slide: OpenSlide) -> Report:
    score_message = Parse(score_json, Score())
    slides = {slide.slide_id: slide for slide in case.slides}
    pages = [_page(store, evidence, slides[evidence.slide_id], open_slide) for evidence in score_message.slides]
    report = Report(score_message, out / "score.json", out / "report.html")
    report.score_json.write_bytes(score_json)
    report.html.write_text(render(score_message, pages), encoding="utf-8")
    return report


def _page(store: BlobStore, evidence: SlideEvidence, slide: SlideFile, open_slide: OpenSlide) -> SlidePage:
    thumbnail = store.get(evidence.thumbnail_key)
    attention, legend, top = "", "", list[str]()
    if evidence.attention_key:
        seen = AttentionMap(**load_tensors(store.get(evidence.attention_key)))
        attention = pictures.data_uri(pictures.overlay(thumbnail, evidence, seen), "image/png")
        legend = pictures.legend(seen)
        top = _top_tiles(evidence, slide, open_slide) if seen.has_preference else []
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
    """Drop what earlier runs indexed, of other cases too, and were told of the case; bags stay."""
    for prefix in (keys.CASES, keys.CASES_OF):
        for info in list(store.list(prefix)):
            store.delete(info.key)
    store.delete(keys.clinical(case))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadClinicalRecordError(f"the clinical record {path} cannot be read: {error.strerror}") from error


def _record(clinical: Path, columns: Path | None) -> tuple[bytes, list[str]]:
    """A record in our names and words, and what a map read as what; of a FHIR Bundle only what the map names."""
    record = _read(clinical)
    entries = record_entries(record)
    if columns is None and is_fhir(entries):
        raise BadClinicalRecordError(
            f"{clinical} is a FHIR Bundle: say with --map which of its values are which variable"
        )
    if columns is None:
        return record, []
    names = load_map(columns)
    if is_fhir(entries):
        entries = {name: value for name, value in flattened(entries).items() if name in names.columns}
    names.check(entries, str(clinical))
    return json.dumps(names.translate(entries), sort_keys=True).encode(), names.changes(entries)
