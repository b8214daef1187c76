"""What `make demo-bundle` states, read from make itself."""

import shlex
import subprocess
from dataclasses import dataclass
from functools import cache

from tests.support.checkout import CHECKOUT


@dataclass(frozen=True)
class Stated:
    """The options of one of the commands, each with its values."""

    options: dict[str, list[str]]

    def single(self, name: str) -> str:
        """The value of an option that is given once."""
        (value,) = self.options[name]
        return value


@cache
def stated(command: str) -> Stated:
    """What is stated to `medulla simulate`, `embed` or `train`."""
    process = subprocess.run(
        ["make", "--dry-run", "demo-bundle"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    lines = [shlex.split(line) for line in process.stdout.replace("\\\n", " ").splitlines()]
    (words,) = [line[2:] for line in lines if line[:2] == [".venv/bin/medulla", command]]
    options: dict[str, list[str]] = {}
    for place, word in enumerate(words):
        if word.startswith("--"):
            value = words[place + 1] if place + 1 < len(words) else "--"
            options.setdefault(word, []).append("" if value.startswith("--") else value)
    return Stated(options)
