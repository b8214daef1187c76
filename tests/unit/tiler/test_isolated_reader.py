"""A slide that crashes, hangs or swells the process that reads it: that slide alone is lost, and is told why."""

import gc
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medulla.v1.events_pb2 import SlideTiled

from services.tiler import reader_wire as wire
from services.tiler.errors import SlideError, UnreadableSlideError
from services.tiler.isolated_reader import ReaderLimits
from services.tiler.isolation import IsolatedReaders, isolated_readers
from services.tiler.on_landing import OnLanding
from services.tiler.ports import Cut, SlideReader
from services.tiler.reader_processes import StoppingError
from shared import turns
from shared.bus.s3_events import ObjectHint
from shared.errors import CrashedWorkerError, GivenUpError, InternalError, MedullaError, UnfinishedError
from shared.units import Level0Px, MicronsPerPx, TilePx
from tests.support.polling import wait_for
from tests.support.slides import ROOT, cc0_bytes
from tests.support.tiling import tiling

_OPENER = "tests.support.child_readers:open_hostile"
_PATIENCE_S = 20.0
_LIMITS = ReaderLimits(memory_mb=512, overview_s=20, tiles_s=20, plan_s=30)
_SHORT_LIMITS = ReaderLimits(memory_mb=512, overview_s=0.5, tiles_s=0.5, plan_s=30)
_CUT = Cut(Level0Px(256), Level0Px(256), TilePx(256))
_ORIGINS = np.array([[0, 0], [256, 0]], np.int32)

ASKS: dict[str, Callable[[SlideReader], object]] = {
    "describe": lambda reader: reader.describe(),
    "tiles": lambda reader: reader.read_tiles(_ORIGINS, _CUT),
    "overview": lambda reader: reader.read_overview(MicronsPerPx(8.0)),
}


@pytest.fixture(scope="module")
def readers() -> Iterator[IsolatedReaders]:
    with isolated_readers(_LIMITS, _OPENER) as created:
        yield created


@pytest.fixture
def short_limits(readers: IsolatedReaders) -> IsolatedReaders:
    return IsolatedReaders(readers.host, _SHORT_LIMITS)


def slide(folder: Path, name: str = "sound") -> Path:
    path = folder / f"{name}.svs"
    path.write_bytes(cc0_bytes())
    return path


def failure(readers: IsolatedReaders, path: Path) -> MedullaError:
    """The error over a slide that misbehaves as its name says."""
    when = path.stem.partition("--")[0]
    with pytest.raises(MedullaError) as caught, readers(path) as reader:
        ASKS[when](reader)
    return caught.value


def read_until_it_fails(reader: SlideReader) -> None:
    while True:
        reader.read_tiles(_ORIGINS, _CUT)


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def open_files(pid: int | str) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


@pytest.mark.parametrize("when", ["open", *ASKS])
@pytest.mark.parametrize(
    ("what", "sentence"), [("abort", r"signal 6, SIGABRT"), ("segfault", r"signal 11, SIGSEGV"), ("exit", r"code 7")]
)
def test_a_process_that_dies_is_a_crash_that_says_how(
    when: str, what: str, sentence: str, readers: IsolatedReaders, tmp_path: Path
) -> None:
    error = failure(readers, slide(tmp_path, f"{when}--{what}"))
    assert isinstance(error, CrashedWorkerError)
    assert re.search(sentence, str(error))


@pytest.mark.parametrize("when", ["open", *ASKS])
def test_a_process_that_hangs_is_ended_at_the_limit(when: str, short_limits: IsolatedReaders, tmp_path: Path) -> None:
    error = failure(short_limits, slide(tmp_path, f"{when}--sleep"))
    assert isinstance(error, CrashedWorkerError)
    assert "took longer than 0.5 s" in str(error)


def test_a_slide_that_is_planned_has_a_limit_as_a_whole(readers: IsolatedReaders, tmp_path: Path) -> None:
    limits = _LIMITS.model_copy(update={"plan_s": 1.0})
    planning = IsolatedReaders(readers.host, limits).for_plans
    with planning(slide(tmp_path, "slide")) as reader, pytest.raises(CrashedWorkerError, match="1 s in all"):
        read_until_it_fails(reader)


def test_a_slide_gives_way_after_the_first_turn_of_its_plan_and_never_where_nobody_waits(
    readers: IsolatedReaders, tmp_path: Path
) -> None:
    planning = IsolatedReaders(readers.host, _LIMITS.model_copy(update={"first_turn_s": 1.0, "plan_s": 2.0})).for_plans
    path = slide(tmp_path, "slide")
    with turns.turn(0), planning(path) as reader, pytest.raises(UnfinishedError, match="1 s in all"):
        read_until_it_fails(reader)
    with turns.turn(1), planning(path) as reader, pytest.raises(CrashedWorkerError, match="2 s in all"):
        read_until_it_fails(reader)
    with planning(path) as reader, pytest.raises(CrashedWorkerError, match="2 s in all"):
        read_until_it_fails(reader)


def test_a_first_turn_as_long_as_a_plan_may_take_is_the_only_one(readers: IsolatedReaders, tmp_path: Path) -> None:
    planning = IsolatedReaders(readers.host, _LIMITS.model_copy(update={"first_turn_s": 60.0, "plan_s": 1.0})).for_plans
    path = slide(tmp_path, "slide")
    with turns.turn(0), planning(path) as reader, pytest.raises(CrashedWorkerError, match="1 s in all"):
        read_until_it_fails(reader)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
@pytest.mark.parametrize("when", ["open", *ASKS])
def test_a_process_that_asks_for_too_much_memory_is_told_so(
    when: str, readers: IsolatedReaders, tmp_path: Path
) -> None:
    error = failure(readers, slide(tmp_path, f"{when}--allocate"))
    assert isinstance(error, CrashedWorkerError)
    assert "more than 512 MB of memory" in str(error)


@pytest.mark.parametrize("what", ["bug", "recursion"])
def test_an_error_that_nobody_foresaw_names_its_type_and_never_a_value(
    what: str, readers: IsolatedReaders, tmp_path: Path
) -> None:
    error = failure(readers, slide(tmp_path, f"tiles--{what}"))
    assert isinstance(error, InternalError)
    assert re.search(r"(ValueError|RecursionError) at services/tiler/\w+\.py:\d+ in \w+", str(error))
    assert "patient" not in str(error)


@pytest.mark.parametrize("kind", [kind for kind in SlideError.__subclasses__() if "reason" in vars(kind)])
def test_a_refusal_keeps_its_class_reason_and_sentence(
    kind: type[SlideError], readers: IsolatedReaders, tmp_path: Path
) -> None:
    error = failure(readers, slide(tmp_path, f"open--refuse-{kind.__name__}"))
    assert type(error) is kind
    assert str(error) == f"refused as {kind.reason}: “é”"


@pytest.mark.parametrize("when", ["open", *ASKS])
def test_nonsense_from_a_child_is_a_crash(when: str, readers: IsolatedReaders, tmp_path: Path) -> None:
    assert isinstance(failure(readers, slide(tmp_path, f"{when}--babble")), CrashedWorkerError)


def test_a_missing_file_is_named(readers: IsolatedReaders, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        readers(tmp_path / "none.svs")
    assert caught.value.filename == str(tmp_path / "none.svs")


def test_the_child_cannot_write_a_file(readers: IsolatedReaders, tmp_path: Path) -> None:
    with readers(slide(tmp_path, "tiles--write")) as reader, pytest.raises(OSError, match="File too large"):
        reader.read_tiles(_ORIGINS, _CUT)


def test_the_child_sees_nothing_of_the_environment_that_may_be_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDULLA_S3__SECRET_ACCESS_KEY", "canary")
    with isolated_readers(_LIMITS, _OPENER) as fresh, pytest.raises(UnreadableSlideError) as caught:
        fresh(slide(tmp_path, "open--environment"))
    assert "PATH" in str(caught.value)
    assert "MEDULLA" not in str(caught.value)


def test_all_threads_that_read_a_crashed_slide_learn_the_same(short_limits: IsolatedReaders, tmp_path: Path) -> None:
    def read(_: int) -> str:
        with pytest.raises(CrashedWorkerError) as caught:
            reader.read_tiles(_ORIGINS, _CUT)
        return str(caught.value)

    with short_limits(slide(tmp_path, "tiles--sleep")) as reader, ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(read, range(4)))) == 1
        assert len({read(number) for number in range(2)}) == 1


def test_of_twenty_slides_one_that_aborts_is_lost_and_nineteen_are_planned(
    readers: IsolatedReaders, tmp_path: Path
) -> None:
    names = [f"slides/case-{number}/{'describe--abort' if number == 7 else 'sound'}.svs" for number in range(20)]
    with tiling(tmp_path, budget_mb=100) as tiler:
        planner = replace(tiler.on_landing.plan_tiles, open_slide=readers.for_plans)
        on_landing = replace(tiler.on_landing, plan_tiles=planner)
        outcomes = [outcome(on_landing, name, tiler.land) for name in names]
    assert [isinstance(each, GivenUpError) for each in outcomes] == [number == 7 for number in range(20)]
    assert sum(each == 38 for each in outcomes) == 19


def test_two_hundred_opened_slides_leave_no_file_process_or_thread(readers: IsolatedReaders, tmp_path: Path) -> None:
    path, bad = slide(tmp_path), slide(tmp_path, "tiles--abort")
    host = readers.host.pid

    def use(number: int) -> None:
        if number % 10 == 0:
            failure(readers, bad)
            return
        with readers(path) as reader:
            reader.read_tiles(_ORIGINS, _CUT)

    use(1)
    gc.collect()  # what other tests left open goes now, not while files are counted
    before = open_files("self"), open_files(host)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(200)))
    assert wait_for(lambda: not children_of(host), _PATIENCE_S)
    assert wait_for(lambda: open_files("self") <= before[0] and open_files(host) <= before[1], _PATIENCE_S)


def test_a_host_that_was_killed_is_started_anew(tmp_path: Path) -> None:
    path = slide(tmp_path)
    with isolated_readers(_LIMITS, _OPENER) as fresh:
        with fresh(path) as reader:
            os.kill(fresh.host.pid, signal.SIGKILL)
            with pytest.raises(CrashedWorkerError):
                read_until_it_fails(reader)
        with fresh(path) as reader:
            assert reader.describe().format == "aperio"


def test_a_slide_in_work_when_the_process_stops_has_not_crashed(tmp_path: Path) -> None:
    with isolated_readers(_LIMITS, _OPENER) as fresh, ThreadPoolExecutor(1) as pool:
        reading = pool.submit(failure, fresh, slide(tmp_path, "tiles--sleep"))
        assert wait_for(lambda: bool(children_of(fresh.host.pid)), _PATIENCE_S)
        fresh.host.close()
        assert isinstance(reading.result(), StoppingError)
        with pytest.raises(StoppingError):
            fresh(slide(tmp_path))


def test_nothing_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from services.tiler.isolation import isolated_readers\n"
        "with isolated_readers() as readers, readers(Path(sys.argv[1])):\n"
        "    print(readers.host.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(slide(tmp_path))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        host = process.stdout.readline().strip()
        alive = [host, *children_of(int(host))]
        process.kill()
    assert len(alive) == 2
    assert wait_for(lambda: not any(running(pid) for pid in alive), _PATIENCE_S)


def running(pid: str) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@given(sizes=st.lists(st.integers(0, 3 * wire.BUFFER_BYTES), max_size=4))
def test_arrays_pass_through_the_buffer_whole_and_in_order(sizes: list[int]) -> None:
    taken = [0] * len(sizes)
    for piece in wire.pieces(sizes):
        used = 0
        for index, index_in_piece, place in piece:
            assert (index_in_piece.start, place.start) == (taken[index], used)
            taken[index], used = index_in_piece.stop, place.stop
        assert used <= wire.BUFFER_BYTES
    assert taken == sizes


def outcome(on_landing: OnLanding, key: str, land: Callable[[str, bytes], None]) -> object:
    """Tiles of a landed slide's plan, or the error that it ends with."""
    land(key, cc0_bytes())
    try:
        (event,) = on_landing(ObjectHint(key, "medulla"))
    except MedullaError as error:
        return error
    assert isinstance(event, SlideTiled)
    return event.plan.tiles
