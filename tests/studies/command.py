"""Runs the program's own commands, as a user would."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from services.trainer.errors import UnusableCohortError
from shared import exit_codes

SOME_REFUSED = (0, exit_codes.AT_FAULT)
"""Exit codes of `medulla embed`, which names slides that quality control turns away and goes on."""


def medulla(*arguments: Any, allowed: Sequence[int] = (0,)) -> None:
    """Run a command of the program.

    Raises:
        UnusableCohortError: it failed; with its last line.
    """
    command = [sys.executable, "-m", "services.standalone", *map(str, arguments)]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode not in allowed:
        last_line = (completed.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UnusableCohortError(f"medulla {json.dumps([str(item) for item in arguments])} failed: {last_line}")
