"""The tiler behind a bus: what goes where, and that bad input holds nothing up."""

from pathlib import Path

from medulla.v1.events_pb2 import SlideRejected, SlideTiled

from services.tiler.routes import routes
from shared.bus import dead_letters, topics
from shared.bus.events import decoder
from shared.bus.memory import MemoryBus
from shared.bus.port import Record
from shared.bus.s3_events import announcement, to_bytes
from shared.worker import Worker, subscriptions
from tests.support.bus import eventually, running
from tests.support.logs import logging_as
from tests.support.slides import NOT_A_SLIDE, cc0_bytes, without_mpp
from tests.support.tiling import tiling


def test_good_and_bad_input_side_by_side_end_where_they_belong(tmp_path: Path) -> None:
    bus = MemoryBus()
    with tiling(tmp_path) as tiler, logging_as("tiler", "INFO") as logged:
        served = routes(tiler.on_landing)
        read = subscriptions("tiler", served)
        worker = Worker("tiler", bus.consumer("tiler", read), bus.producer(), served)
        tiler.land("slides/case-1/good.svs", cc0_bytes())
        tiler.land("slides/case-1/silent.svs", without_mpp())
        tiler.land("slides/case-2/none.svs", NOT_A_SLIDE.read_bytes())
        tiler.land("slides/loose.svs", cc0_bytes())
        bus.producer().send(
            [
                Record(topics.S3_EVENTS, "k", b"\x00 no event"),
                Record(topics.S3_EVENTS, "k", to_bytes("b", ["slides/case-1/silent.svs", "slides/case-1/good.svs"])),
                announcement("b", "slides/case-2/none.svs"),
                announcement("b", "slides/loose.svs"),
                announcement("b", "slides/case-1/gone.svs"),
                announcement("b", "clinical/case-1.json"),
                announcement("b", "slides/case-1/good.svs"),
            ]
        )
        with running(worker.run):
            eventually(lambda: not bus.lag("tiler", read))
    tiled = [decoder(SlideTiled)(record) for record in bus.records(topics.SLIDES_TILED)]
    assert len(tiled) == 2
    assert len({event.event_id for event in tiled}) == 1
    rejected = [decoder(SlideRejected)(record) for record in bus.records(topics.SLIDES_REJECTED)]
    assert {(rejection.case_id, rejection.reason) for rejection in rejected} == {
        ("", "bad_case_id"),
        ("case-1", "no_resolution"),
        ("case-2", "not_a_slide"),
    }
    letters = [dead_letters.read(record) for record in bus.records(topics.DEAD_LETTERS)]
    assert sorted(letter.reason for letter in letters) == [
        "bad_case_id",
        "no_resolution",
        "not_a_slide",
        "poison_message",
    ]
    assert all(letter.sentence and letter.advice and letter.service == "tiler" for letter in letters)
    named = [(line["case_id"], line["slide_id"]) for line in logged.lines("planned")]
    assert named == [("case-1", "good.svs")]
    assert {line["case_id"] for line in logged.lines("dead letter") if "case_id" in line} == {"case-1", "case-2"}
