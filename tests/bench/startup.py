"""The start of the command line and of the REST API, which load what they run, beside loading everything first."""

import resource
import subprocess
import sys
from collections.abc import Sequence

from tests.bench.size import Size
from tests.bench.table import Row, Section

_HELP = ("-m", "services.standalone", "--help")
_EVERYTHING = (
    "-c",
    "import importlib, pkgutil, services.standalone as own\n"
    "for module in pkgutil.iter_modules(own.__path__, own.__name__ + '.'):\n"
    "    importlib.import_module(module.name)\n"
    "from services.standalone.app import app\n"
    "app(['--help'])\n",
)
_REST = ("-c", "import services.results.rest")
_REST_AND_WRITERS = (
    "-c",
    "import services.results.rest, shared.export.dicom.attention_map, shared.export.dicom.structured_report\n"
    "import shared.export.fhir.document, shared.export.pdf.report\n",
)


def compare(size: Size) -> Section:
    """CPU seconds of each, both ways in turn."""
    rows = [
        _row("medulla --help", _HELP, "all modules loaded first", _EVERYTHING, size),
        _row("REST API imported", _REST, "writers of exports loaded first", _REST_AND_WRITERS, size),
    ]
    return Section("Start of the command line and the REST API", rows)


def _row(what: str, ours: Sequence[str], other: str, everything: Sequence[str], size: Size) -> Row:
    runs = [(_cpu_seconds(ours), _cpu_seconds(everything)) for _ in range(size.repeats)]
    fast, slow = zip(*runs, strict=True)
    return Row(what, "CPU s", fast, other, slow)


def _cpu_seconds(arguments: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
