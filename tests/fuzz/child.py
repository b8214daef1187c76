"""The process that runs inputs: it reports the outcome of each, and an input may crash it."""

import ctypes
import gc
import json
import resource
import shutil
import time
import traceback
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, TextIO

from shared.errors import MedullaError, PermanentError
from tests.fuzz.targets import Read, Target

_MB = 1 << 20
_MOST_MB = 12_000
"""Address space of the process, so that one input cannot take the machine's memory."""
_TRIM_EVERY = 20


def random_of(target: Target, seed: int) -> Random:
    """The random numbers that make one input of one target."""
    return Random(f"{target.name}:{seed}")  # noqa: S311 - inputs, no secrets


def work(target: Target, first: int, folder: Path, out: TextIO) -> None:
    """Run seeds from `first` on until the process is ended."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MB * _MB, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    make, read = target.open(_emptied(folder / "good"))
    for seed in count(first):
        data = make(random_of(target, seed))
        own = _emptied(folder / "input")
        _send(out, seed=seed)
        before, began = _forget_peak(), time.monotonic()
        outcome = _outcome(read, data, own)
        seconds, peak = time.monotonic() - began, _status("VmHWM") - before
        _send(
            out, seed=seed, seconds=seconds, peak_mb=peak, held_mb=_held() if seed % _TRIM_EVERY == 0 else 0, **outcome
        )


def _outcome(read: Read, data: bytes, folder: Path) -> dict[str, Any]:
    """Reason of a refusal, or location of an unexpected error."""
    try:
        read(data, folder)
    except PermanentError as error:
        return {"reason": error.reason, "sentence": len(str(error))}
    except MedullaError as error:
        return {"reason": type(error).__name__, "sentence": len(str(error))}
    except BaseException:  # noqa: BLE001 - this is what is looked for
        return {"fault": traceback.format_exc()}
    return {"reason": ""}


def _send(out: TextIO, **message: Any) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _forget_peak() -> int:
    """Reset the peak of memory; returns the memory in use, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _held() -> int:
    """Memory in use, in MB, after garbage collection and release of the allocator's caches."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return _status("VmRSS")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(name))
