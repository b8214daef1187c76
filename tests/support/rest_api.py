"""The REST API over cases of every kind, for tests that ask every route."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from google.protobuf.json_format import MessageToJson
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.events_pb2 import SlideEmbedded
from safetensors.numpy import save

from services.results.deep_zoom import DeepZoom, Square
from services.results.slide_pixels import IsWanted
from services.results.sse import Rhythm
from shared import keys
from shared.blob.stored_object import to_message
from shared.bus.dead_letters import to_dead_letter
from shared.bus.port import Delivery, Record
from shared.errors import PoisonMessageError
from shared.units import CaseId, Sha256, SlideId
from tests.support import dicom_series
from tests.support import scores as samples
from tests.support.questions import FakeScorer
from tests.support.results import Results, over_http, thumbnail

CASE, SLIDE = CaseId("MB-0042"), SlideId("A1.svs")
DIGEST = Sha256(samples.digest(f"{CASE}/{SLIDE}"))
"""Of the slide, which stands."""
DICOM_CASE = CaseId("MB-0044")


class _Pixels:
    """A slide of 512 px, each square of which is the same picture."""

    def describe(self, slide: Slide, plan: Plan) -> DeepZoom:  # noqa: ARG002 - as the protocol has it
        return DeepZoom(512, 512, 256)

    def read(self, slide: Slide, plan: Plan, square: Square, is_wanted: IsWanted) -> bytes:  # noqa: ARG002 - as the protocol has it
        return thumbnail(square.out_width_px, square.out_height_px)


@contextmanager
def rest_api(folder: Path, database_url: str = "") -> Iterator[str]:
    """Its address; streams of progress end soon."""
    results = Results(folder, database_url)
    _fill(results)
    with over_http(results, pixels=_Pixels(), scorer=FakeScorer(), rhythm=Rhythm(beat_s=0.01, life_s=0.02)) as address:
        yield address
    results.close()


def _fill(results: Results) -> None:
    """A scored case whose slide stands, an abstained one, a refused one, and one on its way."""
    score = results.score(samples.add_composition(samples.add_prototypes(samples.score(CASE, slides=(SLIDE,)))))
    prefix = score.slides[0].thumbnail_key.removesuffix(keys.THUMBNAIL)
    results.blobs.put_new(prefix + keys.PLAN_MASK, b"\x89PNG\r\n\x1a\n")
    results.blobs.put_new(prefix + keys.PLAN_TILES, save({"ledger": np.zeros((11, 8), np.uint8)}))
    _land(results)
    land_series(results, DICOM_CASE)
    delivery = Delivery(Record("cases.scored", CASE, b"{}"), 0, 7)
    results.bus.producer().send([to_dead_letter(delivery, PoisonMessageError("it is no event"), "results")])
    results.score(samples.abstained("MB-0043"))
    results.store.record_rejection(samples.rejected("MB-0099", "B1", samples.at(2)))
    results.store.record_progress(samples.progress("MB-0100", "C1", 130, samples.at(9)))


def _land(results: Results) -> None:
    """Let the slide stand, and be embedded."""
    standing = to_message(results.blobs.put(f"slides/{CASE}/{SLIDE}", b"x"))
    slide = Slide(case_id=CASE, slide_id=SLIDE, object=standing, digest=DIGEST)
    event = SlideEmbedded(event_id="1", slide=slide, plan=Plan(digest=samples.digest("plan")))
    results.blobs.put(keys.indexed_slide(CASE, SLIDE, standing.etag), MessageToJson(event).encode())
    results.blobs.put(keys.case_of(DIGEST, CASE), b"{}")


def land_series(results: Results, case: CaseId) -> None:
    """Score a case whose slide A1 is a DICOM series that stands and is embedded."""
    score = samples.score(case, slides=("A1",))
    score.slides[0].width_px, score.slides[0].height_px = 1280, 2304
    results.score(score)
    levels = {name: data for name, data in dicom_series.series().items() if name.startswith("level")}
    first, *others = (
        to_message(results.blobs.put(f"slides/{case}/A1/{name}.dcm", data)) for name, data in levels.items()
    )
    digest = score.slides[0].slide_digest
    slide = Slide(case_id=case, slide_id="A1", digest=digest, object=first, files=others)
    key = keys.indexed_slide(case, SlideId("A1"), "1")
    results.blobs.put(key, MessageToJson(SlideEmbedded(slide=slide)).encode())
