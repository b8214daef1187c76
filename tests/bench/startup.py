"""The start of the command line, which loads what a command runs, beside loading everything at the start."""

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


def compare(size: Size) -> Section:
    """CPU seconds of `medulla --help`, both ways in turn."""
    runs = [(_cpu_seconds(_HELP), _cpu_seconds(_EVERYTHING)) for _ in range(size.repeats)]
    ours, everything = zip(*runs, strict=True)
    row = Row("medulla --help", "CPU s", ours, "all modules loaded first", everything)
    return Section("Start of the command line", [row])


def _cpu_seconds(arguments: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
