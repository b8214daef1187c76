"""Loads a bundle in a child process first, under limits: a model that crashes its runtime ends that process alone.

`python -m shared.model.trial MEMORY_MB CPU_SECONDS` reads the files on standard input, and says what is wrong.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np

from shared.canonical import canonical_json
from shared.child_process import REFUSED, limit_cpu, limit_memory, try_out
from shared.model.bundle import load
from shared.model.bundle_files import VerifiedFiles
from shared.model.errors import BadBundleError


@dataclass(frozen=True)
class Trial:
    """Limits of the child process."""

    seconds: float = 120
    """Of CPU time."""
    memory_mb: int = 2048
    program: Sequence[str] = ("-P", "-m", f"{__package__}.trial")

    def __call__(self, checked: VerifiedFiles) -> None:
        """Load a bundle in a child process.

        Raises:
            BadBundleError: it cannot be loaded, or the process ended in the attempt.
        """
        arguments, subject = [*self.program, str(self.memory_mb)], f"bundle {checked.manifest.name}"
        try_out(arguments, self.seconds, subject, BadBundleError, _sent(checked.files))


@dataclass(frozen=True)
class _Received:
    """Files that the parent sent."""

    files: Mapping[str, bytes]
    where: str = "the bundle"

    def read(self) -> Mapping[str, bytes]:
        return self.files


def _sent(files: Mapping[str, bytes]) -> bytes:
    """A line with the size of each file, then their bytes."""
    sizes = {name: len(data) for name, data in files.items()}
    return canonical_json(sizes) + b"\n" + b"".join(files[name] for name in sorted(files))


def _received(stream: IO[bytes]) -> _Received:
    sizes = json.loads(stream.readline())
    return _Received({name: stream.read(sizes[name]) for name in sorted(sizes)})


def main(memory_mb: int, cpu_s: float) -> int:
    """Load the bundle on standard input and run its model of slides once; the exit code."""
    received = _received(sys.stdin.buffer)
    limit_memory(memory_mb)
    limit_cpu(cpu_s)
    try:
        bundle = load(received)
        if bundle.mil is not None:
            bundle.mil(np.zeros((2, bundle.mil.width), np.float32))
    except BadBundleError as error:
        sys.stdout.write(str(error))
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2])))
