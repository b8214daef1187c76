"""What child processes for foreign files have in common: no secrets, and limits of memory, files and CPU time."""

import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

REFUSED = 9
"""Exit code of a child that has written a sentence."""
_BY_THE_CLOCK = 5
"""How many times its CPU time a child may take by the clock, as on a busy machine."""
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Environment variables that are passed on; none holds a secret."""
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GRPC_ENABLE_FORK_SUPPORT": "0"}
"""Keep libraries from starting threads on import, since the process may fork."""


def environment() -> dict[str, str]:
    """The environment of a child that runs modules of this program."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def run(arguments: Sequence[str], seconds: float, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run this interpreter with `arguments`, without a GPU, `data` as its input; its output is kept.

    Raises:
        subprocess.TimeoutExpired: it took longer than `seconds`, and was ended.
    """
    return subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=environment() | {"CUDA_VISIBLE_DEVICES": ""}, timeout=seconds, check=False, start_new_session=True,
    )  # fmt: skip


def try_out(
    arguments: Sequence[str], seconds: float, subject: str, error: Callable[[str], Exception], data: bytes = b""
) -> None:
    """Run this interpreter with `arguments` on what `subject` names, and raise `error` of a sentence unless it passes.

    A child limits itself to `seconds` of CPU time, which are appended as its last argument. One that refuses the
    subject writes the sentence to its standard output, and ends with `REFUSED`.
    """
    most = _BY_THE_CLOCK * seconds
    try:
        child = run([*arguments, str(seconds)], most, data)
    except subprocess.TimeoutExpired:
        raise error(f"{subject} takes longer than {most:g} s to load and run once") from None
    if child.returncode == -signal.SIGXCPU:
        raise error(f"{subject} takes more than {seconds:g} s of CPU time to load and run once")
    if child.returncode == REFUSED:
        raise error(child.stdout.decode(errors="replace"))
    if child.returncode:
        raise error(f"{subject} ends the process that tries it out (exit code {child.returncode})")


def limit_cpu(seconds: float) -> None:
    """Limit this process's CPU time: SIGXCPU ends it."""
    whole = math.ceil(seconds)
    _limit(resource.RLIMIT_CPU, whole, whole + 1)


def limit_memory(memory_mb: int) -> None:
    """Limit this process's private memory (enforced on Linux only); allow no core file and no writes to files."""
    limits = {resource.RLIMIT_DATA: memory_mb * 2**20, resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0}
    for kind, most in limits.items():
        _limit(kind, most, most)


def _limit(kind: int, soft: int, hard: int) -> None:
    """Set a limit of this process, or a lower one that it has already."""
    _, allowed = resource.getrlimit(kind)
    if allowed != resource.RLIM_INFINITY:
        soft, hard = min(soft, allowed), min(hard, allowed)
    resource.setrlimit(kind, (soft, hard))
