"""Runs a foreign encoder in a child process first, under limits: a graph that crashes its runtime ends that alone.

`python -m services.embedder.encoder_trial FOLDER MEMORY_MB CPU_SECONDS` embeds one black tile, and says what is wrong.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.embedder.errors import UnknownEncoderError
from services.embedder.manifest import DATA_FILE, MODEL_FILE
from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from shared.child_process import REFUSED, limit_cpu, limit_memory, try_out
from shared.errors import MedullaError

_BASE_MB, _COPIES = 4096, 4
"""Memory of the child: a base, and the size of the encoder's files as often as a runtime copies them."""


@dataclass(frozen=True)
class EncoderTrial:
    """Limits of the child process, which has no GPU."""

    seconds: float = 300
    """Of CPU time."""
    base_mb: int = _BASE_MB
    program: Sequence[str] = ("-P", "-m", f"{__package__}.encoder_trial")

    def __call__(self, folder: Path) -> None:
        """Try the encoder of a folder; the one that ships needs no trial.

        Raises:
            UnknownEncoderError: it cannot be run, or the process ended in the attempt.
        """
        if folder.resolve() == DEFAULT_ENCODER.resolve():
            return
        memory_mb = self.base_mb + _COPIES * _size_mb(folder)
        arguments = [*self.program, str(folder), str(memory_mb)]
        try_out(arguments, self.seconds, f"encoder {folder}", UnknownEncoderError)


def _size_mb(folder: Path) -> int:
    files = (folder / name for name in (MODEL_FILE, DATA_FILE))
    return sum(file.stat().st_size for file in files if file.is_file()) // 2**20 + 1


def main(folder: Path, memory_mb: int, cpu_s: float) -> int:
    """Load the encoder and embed one black tile; the exit code."""
    limit_memory(memory_mb)
    limit_cpu(cpu_s)
    try:
        encoder = OnnxEncoder(folder, threads=1, run=1)
        px = encoder.manifest.input_px
        encoder.embed(np.zeros((1, px, px, 3), np.uint8))
    except MedullaError as error:
        sys.stdout.write(str(error))
        return REFUSED
    except Exception:  # noqa: BLE001 - whatever the runtime raises becomes a sentence
        sys.stdout.write(f"encoder {folder} cannot be run on a black tile")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
