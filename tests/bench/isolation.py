"""What it costs to read slides in child processes: the same work in this process and in children, in turn."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from services.standalone.local_slides import SlideFile
from services.standalone.workspace import Workspace
from services.tiler.chunks import StreamChunks
from services.tiler.handler import PlanTiles, SlideLanded
from services.tiler.in_place import SlidesInPlace
from services.tiler.isolation import IsolatedReaders, isolated_readers
from services.tiler.plan_store import PlanStore
from services.tiler.planner import PlanSpec
from services.tiler.readers import OpenSlide, open_slide
from services.tiler.resolution import MppTable, Override
from shared.keys import SlideKey
from shared.units import CaseId, SlideId
from tests.bench import material
from tests.bench.readers import Positions
from tests.bench.size import Size
from tests.bench.table import Row, Section
from tests.bench.timing import Run, Work, measured, rates, tile_row

_CHILD, _HERE = "in a child process", "in this process"
_THREADS = 2


@dataclass(frozen=True)
class Readers:
    """Both ways to open a slide."""

    child: IsolatedReaders

    def interleaved(self, repeats: int, make: Callable[[OpenSlide], Work]) -> Mapping[str, Sequence[Run]]:
        """Do the same work both ways in turn; CPU time is that of all processes."""
        runs: dict[str, list[Run]] = {_CHILD: [], _HERE: []}
        for _ in range(repeats):
            for name, opened in ((_CHILD, self.child), (_HERE, open_slide)):
                before = self._host_seconds()
                run = measured(make(opened))
                runs[name].append(replace(run, cpu_seconds=run.cpu_seconds + self._host_seconds() - before))
        return runs

    def _host_seconds(self) -> float:
        """CPU time of the host and of its children that have ended."""
        fields = Path(f"/proc/{self.child.host.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def compare(size: Size, folder: Path) -> Section:
    """Opening, tiles with one and two threads, and from file to streamed tiles for one and two slides at once."""
    slides = [material.aperio(folder / f"{name}.svs", size.slide_copies) for name in ("one", "two")]
    positions = Positions.of(slides[0], size.reader_tiles)
    with isolated_readers() as child:
        readers = Readers(child)
        opening = readers.interleaved(size.repeats, lambda opened: lambda: opened(slides[0], Override()).close())
        rows = [_milliseconds("opening an Aperio slide", opening)]
        for threads in (1, _THREADS):
            runs = readers.interleaved(size.repeats, _reading(slides[0], positions, threads))
            rows.append(_row(f"tiles, {threads} thread(s)", len(positions.origins), runs))
        for count in (1, 2):
            rows.append(_streamed(readers, slides[:count], folder, size))
    return Section("Child processes: an Aperio slide of JPEG tiles, 256 px at 0.5 um/px", rows)


def _reading(slide: Path, positions: Positions, threads: int) -> Callable[[OpenSlide], Work]:
    return lambda opened: partial(_read, slide, positions, threads, opened)


def _read(slide: Path, positions: Positions, threads: int, opened: OpenSlide) -> None:
    with opened(slide, Override()) as reader, ThreadPoolExecutor(threads) as pool:
        list(
            pool.map(
                lambda origins: reader.read_tiles(origins, positions.cut), np.array_split(positions.origins, threads)
            )
        )


def _streamed(readers: Readers, slides: Sequence[Path], folder: Path, size: Size) -> Row:
    """Plan and stream slides at once, as a tiler with as many partitions does."""
    tiles: list[int] = []
    with _workspace(folder / f"streams-{len(slides)}") as workspace:
        runs = readers.interleaved(
            size.repeats, lambda opened: lambda: tiles.append(_plan_and_stream(workspace, opened, slides))
        )
    return _row(f"plan and stream, {len(slides)} slide(s) at once", tiles[0], runs)


def _plan_and_stream(workspace: Workspace, opened: OpenSlide, slides: Sequence[Path]) -> int:
    shutil.rmtree(workspace.root / "plans", ignore_errors=True)
    files, plans = SlidesInPlace(workspace.root), PlanStore(workspace.store)
    with ThreadPoolExecutor(len(slides)) as workers, ThreadPoolExecutor(_THREADS) as decoders:
        plan_tiles = PlanTiles(workspace.store, files, plans, PlanSpec(), MppTable(), opened)
        stream = StreamChunks(files, plans, decoders, opened)

        def work(slide: Path) -> int:
            key = SlideKey(CaseId(f"case-{slide.stem}"), SlideId(slide.name))
            event = plan_tiles(SlideLanded(key, workspace.link(SlideFile(slide, key.case_id, key.slide_id))))
            return sum(len(chunk.tiles) for chunk in stream(event.slide, event.plan))

        return sum(workers.map(work, slides))


@contextmanager
def _workspace(folder: Path) -> Iterator[Workspace]:
    folder.mkdir()
    yield Workspace(folder)
    shutil.rmtree(folder)


def _row(what: str, count: int, runs: Mapping[str, Sequence[Run]]) -> Row:
    return tile_row(what, count, runs[_CHILD], _HERE, runs[_HERE])


def _milliseconds(what: str, runs: Mapping[str, Sequence[Run]]) -> Row:
    times = {name: [1000 / rate for rate in rates(seconds, 1)] for name, seconds in runs.items()}
    return Row(what, "ms", times[_CHILD], _HERE, times[_HERE])
