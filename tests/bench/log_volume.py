"""Lines and bytes that each service logs about a slide, through four processes on the real parts."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench.size import Size
from tests.bench.table import Row, Section
from tests.support import slides
from tests.support.polling import wait_for
from tests.support.system import PATIENCE_S, System, scored_by

_NAME = "LOGGED-"


def compare(system: System, size: Size) -> Section:
    """A slide and a record a case, one after the other; lines are told apart by the case that they name."""
    cases = [_scored(system, f"{_NAME}{number}") for number in range(size.small_slides)]
    rows = [row for name, service in system.services.items() for row in about(name, service.program.log, cases)]
    return Section("Logs of the bundled slide with a record, by service", rows, ["at MEDULLA_LOG_LEVEL=INFO"])


def _scored(system: System, case: str) -> str:
    """Land a slide and a record; the case, once the score is of both, and results says nothing more of it."""
    system.land_record(case)
    system.land_slide(case, slides.cc0_bytes() + case.encode())
    system.eventually(case, scored_by("fused"))
    _wait_quiet(system.services["results"].program.log, case)
    return case


def _wait_quiet(log: Path, case: str) -> None:
    seen: list[int] = []

    def is_quiet() -> bool:
        seen.append(len(lines(log, case)))
        return len(seen) > 1 and seen[-1] == seen[-2] > 0

    wait_for(is_quiet, PATIENCE_S, 1.0)


def lines(log: Path, case: str) -> Sequence[str]:
    """Lines that name a case."""
    return [line for line in log.read_text(encoding="utf-8").splitlines() if f'"{case}"' in line or f"/{case}/" in line]


def about(service: str, log: Path, cases: Sequence[str]) -> Iterator[Row]:
    """Lines and bytes of each case, each with its end of line."""
    by_case: Mapping[str, Sequence[str]] = {case: lines(log, case) for case in cases}
    yield Row(f"{service}: lines a slide", "lines", [float(len(each)) for each in by_case.values()])
    sizes = [float(sum(len(line.encode()) + 1 for line in each)) for each in by_case.values()]
    yield Row(f"{service}: bytes a slide", "bytes", sizes)
