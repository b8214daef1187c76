"""Measures and prints one table: `python -m tests.bench [--quick] [--only THEME] [--json FILE]`."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import cast

from shared.bus import topics
from tests.bench import (
    archive,
    audit,
    bucket,
    case_list,
    fixed_rate,
    isolation,
    log_volume,
    machine,
    memory,
    pipeline,
    preprocessing,
    readers,
    rescore,
    services,
    startup,
    triton,
)
from tests.bench.size import FULL, QUICK, Size
from tests.bench.table import Section, render
from tests.stack.home import StackError
from tests.stack.runs import ended_in_order, run_folder
from tests.stack.triton import Triton
from tests.support.parts import KafkaPart, MinioPart, Parts, PostgresPart
from tests.support.system import RealParts, System, running

THEMES = (
    "startup",
    "readers",
    "preprocessing",
    "isolation",
    "pipeline",
    "bucket",
    "triton",
    "services",
    "logs",
    "memory",
    "list",
    "rescore",
    "archive",
    "audit",
)
_Theme = Callable[[], list[Section]]


class Bench:
    """One run: its size, its folder, and the real parts, started where a theme asks for them."""

    def __init__(self, size: Size, folder: Path, stack: ExitStack) -> None:
        self._size = size
        self._folder = folder
        self._stack = stack

    def theme(self, name: str) -> list[Section]:
        """Results of a theme; one sentence if a part is missing or does not start."""
        themes: dict[str, _Theme] = {
            "startup": lambda: [startup.compare(self._size)],
            "readers": lambda: [readers.compare(self._size, self._own("readers"))],
            "preprocessing": lambda: [preprocessing.compare(self._size, self._own("preprocessing"))],
            "isolation": lambda: [isolation.compare(self._size, self._own("isolation"))],
            "pipeline": self._pipeline,
            "bucket": lambda: bucket.compare(
                cast("MinioPart", self._parts.get("minio")), self._size, self._own("bucket")
            ),
            "triton": lambda: [triton.compare(self._triton, self._size, self._own("triton"))],
            "services": lambda: self._through_services,
            "logs": lambda: [log_volume.compare(self._system, self._size)],
            "memory": self._memory,
            "list": self._list,
            "rescore": self._rescore,
            "archive": self._archive,
            "audit": self._audit,
        }
        try:
            return themes[name]()
        except StackError as error:
            return [Section(f"{name.capitalize()}: not measured. {error}")]

    def _own(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder

    def _pipeline(self) -> list[Section]:
        shared, apart = self._own("pipeline"), self._own("fixed-rate")
        return [pipeline.compare(self._size, shared), fixed_rate.compare(self._size, apart)]

    def _memory(self) -> list[Section]:
        """Memory after the work of `services`, which runs first if it was not chosen."""
        assert self._through_services
        return [memory.section(self._system)]

    def _list(self) -> list[Section]:
        postgres = cast("PostgresPart", self._parts.get("postgres"))
        return case_list.compare(postgres, lambda: str(self._parts.get("browser")), self._size)

    def _rescore(self) -> list[Section]:
        parts, size, folder = self._parts, self._size, self._own("rescore")
        kafka, minio = cast("KafkaPart", parts.get("kafka")), cast("MinioPart", parts.get("minio"))
        return [rescore.compare(kafka, minio, cast("PostgresPart", parts.get("postgres")), size, folder)]

    def _archive(self) -> list[Section]:
        minio, postgres = self._parts.get("minio"), self._parts.get("postgres")
        cases = self._size.archived_cases
        return archive.compare(cast("MinioPart", minio), cast("PostgresPart", postgres), cases)

    def _audit(self) -> list[Section]:
        postgres = cast("PostgresPart", self._parts.get("postgres"))
        return [audit.compare(postgres, self._size.archived_cases, self._size.repeats)]

    @cached_property
    def _through_services(self) -> list[Section]:
        folder = self._own("services")
        return [
            services.overhead(self._system, self._size, folder),
            services.large_slide(self._system, self._size, folder),
        ]

    @cached_property
    def _system(self) -> System:
        parts = self._parts
        real = RealParts(
            cast("KafkaPart", parts.get("kafka")),
            cast("MinioPart", parts.get("minio")),
            cast("PostgresPart", parts.get("postgres")),
            self._triton,
        )
        return self._stack.enter_context(running(real, self._own("processes"), topics.S3_EVENTS))

    @property
    def _triton(self) -> Triton:
        return cast("Triton", self._parts.get("triton"))

    @cached_property
    def _parts(self) -> Parts:
        parts = Parts(self._stack.enter_context(run_folder()))
        self._stack.callback(parts.close)
        return parts


@contextmanager
def _bench(size: Size) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="medulla-bench-") as folder, ExitStack() as stack:
        yield Bench(size, Path(folder), stack)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller slides, fewer repeats, under two minutes")
    parser.add_argument("--only", choices=THEMES, action="append", help="this theme alone; may be given more than once")
    parser.add_argument("--cases", type=int, metavar="N", help="cases of list, rescore, archive and audit")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every repeat to a file, too")
    return parser.parse_args()


def main() -> int:
    """Measure the chosen themes; returns 0."""
    options = _arguments()
    start, about = time.monotonic(), machine.describe()
    sections: list[Section] = []
    size = QUICK if options.quick else FULL
    if options.cases:
        size = size.of_cases(options.cases)
    with _bench(size) as bench:
        for theme in options.only or THEMES:
            sys.stderr.write(f"bench: {theme} …\n")
            sections += bench.theme(theme)
    sys.stdout.write(f"{about}\n\n{render(sections)}\n\nmeasured in {time.monotonic() - start:.0f} s\n")
    if options.json:
        measured = {"machine": about.splitlines(), "sections": [section.as_json() for section in sections]}
        options.json.write_text(json.dumps(measured, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(ended_in_order(main))
