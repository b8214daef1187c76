"""The tiler behind a bus: what goes where, and that bad input holds nothing up."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from medulla.v1.events_pb2 import SlideRejected, SlideTiled

from services.tiler.errors import NoResolutionError
from services.tiler.ports import SlideReader
from services.tiler.readers import open_slide
from services.tiler.resolution import Override
from services.tiler.routes import routes
from shared.bus import dead_letters, topics
from shared.bus.events import decoder
from shared.bus.memory import MemoryBus
from shared.bus.port import Producer, Record
from shared.bus.retry import RetryPolicy
from shared.bus.s3_events import announcement, to_bytes
from shared.errors import CrashedWorkerError
from shared.home import Home
from shared.route import subscriptions
from shared.worker import Worker
from tests.support.bus import KilledAtLetters, KilledError, running
from tests.support.dicom_series import series
from tests.support.logs import logging_as
from tests.support.polling import eventually
from tests.support.slides import NOT_A_SLIDE, cc0_bytes, without_mpp
from tests.support.tiling import Tiling, tiling
from tests.support.worker_bench import QUICK

KEY = "slides/case-1/A.svs"
GOOD = "slides/case-1/good.svs"
EVENTS = (
    Record(topics.S3_EVENTS, "k", b"\x00 no event"),
    Record(topics.S3_EVENTS, "k", to_bytes("medulla", ["slides/case-1/silent.svs", GOOD])),
    announcement(Home("medulla"), "slides/case-2/none.svs"),
    announcement(Home("medulla"), "slides/loose.svs"),
    announcement(Home("medulla"), "slides/case-1/gone.svs"),
    announcement(Home("medulla"), "clinical/case-1.json"),
    announcement(Home("of-another-lab"), "slides/case-1/good.svs"),
    announcement(Home("medulla"), "slides/case-1/good.svs"),
)


def test_good_and_bad_input_side_by_side_end_where_they_belong(tmp_path: Path) -> None:
    bus = MemoryBus()
    with tiling(tmp_path) as tiler, logging_as("tiler", "INFO") as logged:
        served = routes(tiler.on_landing, Home("medulla"))
        read = subscriptions("tiler", served)
        worker = Worker("tiler", bus.consumer("tiler", read), bus.producer(), served)
        tiler.land("slides/case-1/good.svs", cc0_bytes())
        tiler.land("slides/case-1/silent.svs", without_mpp())
        tiler.land("slides/case-2/none.svs", NOT_A_SLIDE.read_bytes())
        tiler.land("slides/loose.svs", cc0_bytes())
        bus.producer().send(EVENTS)
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
    reasons = sorted(letter.reason for letter in letters)
    assert reasons == ["bad_case_id", "no_resolution", "not_a_slide", "poison_message", "poison_message"]
    assert any("bucket 'of-another-lab'" in letter.sentence for letter in letters)
    assert all(letter.sentence and letter.advice and letter.service == "tiler" for letter in letters)
    named = [(line["case_id"], line["slide_id"]) for line in logged.lines("planned")]
    assert named == [("case-1", "good.svs")]
    assert {line["case_id"] for line in logged.lines("dead letter") if "case_id" in line} == {"case-1", "case-2"}


def letters(tiler: Tiling, keys: Sequence[str], policy: RetryPolicy | None = None) -> list[tuple[str, str]]:
    """Reason and sentence of every dead letter that events about the keys end as, two about each."""
    bus = MemoryBus()
    served = routes(tiler.on_landing, Home("medulla"))
    read = subscriptions("tiler", served)
    bus.producer().send([announcement(Home("medulla"), key) for key in (*keys, *keys)])
    with running(Worker("tiler", bus.consumer("tiler", read), bus.producer(), served, policy).run):
        eventually(lambda: not bus.lag("tiler", read))
    read_letters = [dead_letters.read(record) for record in bus.records(topics.DEAD_LETTERS)]
    assert bus.records(topics.SLIDES_REJECTED)
    return [(letter.reason, letter.sentence) for letter in read_letters]


def test_a_series_without_base_level_is_one_dead_letter_however_many_files_and_sweeps_tell_of_it(
    tmp_path: Path,
) -> None:
    files = {f"slides/case-1/{name}": data for name, data in series().items() if name != "level0"}
    with tiling(tmp_path) as tiler:
        for key, data in files.items():
            tiler.land(key, data)
        assert [reason for reason, _ in letters(tiler, list(files))] == ["incomplete_series"]
        assert letters(tiler, list(files)) == []


@pytest.mark.parametrize("failure", [NoResolutionError("no size"), CrashedWorkerError("the decoder died")])
def test_a_refusal_whose_process_is_killed_before_its_letter_is_one_of_the_next_process(
    failure: Exception, tmp_path: Path
) -> None:
    def fail(*_: object) -> SlideReader:
        raise failure

    bus, home = MemoryBus(), Home("medulla")
    with tiling(tmp_path, opener=fail) as tiler:
        tiler.land(KEY, cc0_bytes())
        bus.producer().send([announcement(home, KEY)])
        read = subscriptions("tiler", routes(tiler.on_landing, home))

        def worker(producer: Producer) -> Worker:
            fresh = replace(tiler.on_landing, refused=set(), unreported={})
            return Worker("tiler", bus.consumer("tiler", read), producer, routes(fresh, home), QUICK)

        with running(worker(KilledAtLetters(bus.producer())).run) as killed:
            assert isinstance(killed.join(), KilledError)
        assert tiler.unplanned == [KEY]
        with running(worker(bus.producer()).run):
            eventually(lambda: not bus.lag("tiler", read))
        assert len(bus.records(topics.DEAD_LETTERS)) == 1
        assert not tiler.unplanned
        assert letters(tiler, [KEY], QUICK) == []


def test_a_slide_that_never_fits_on_scratch_is_one_dead_letter_of_a_process(tmp_path: Path) -> None:
    with tiling(tmp_path, budget_mb=1) as tiler:
        tiler.land(KEY, cc0_bytes())
        assert [reason for reason, _ in letters(tiler, [KEY])] == ["slide_too_large"]
        assert tiler.unplanned == [KEY]


@pytest.mark.parametrize("failure", [ValueError("a bug"), CrashedWorkerError("the decoder died")])
def test_a_slide_that_is_given_up_is_one_dead_letter(failure: Exception, tmp_path: Path) -> None:
    def fail(*_: object) -> SlideReader:
        raise failure

    with tiling(tmp_path, opener=fail) as tiler:
        tiler.land(KEY, cc0_bytes())
        assert len(letters(tiler, [KEY], QUICK)) == 1


def test_a_slide_that_is_replaced_while_it_is_planned_is_no_dead_letter(tmp_path: Path) -> None:
    def replace_once(path: Path, override: Override) -> SlideReader:
        if tiler.blobs.get(KEY) == first:
            tiler.land(KEY, cc0_bytes())
        return open_slide(path, override)

    first = without_mpp()
    with tiling(tmp_path, opener=replace_once) as tiler:
        tiler.land(KEY, first)
        served, bus = routes(tiler.on_landing, Home("medulla")), MemoryBus()
        read = subscriptions("tiler", served)
        bus.producer().send([announcement(Home("medulla"), KEY)])
        with running(Worker("tiler", bus.consumer("tiler", read), bus.producer(), served, QUICK).run):
            eventually(lambda: bus.records(topics.SLIDES_TILED))
    assert not bus.records(topics.DEAD_LETTERS)
    assert not bus.records(topics.SLIDES_REJECTED)
