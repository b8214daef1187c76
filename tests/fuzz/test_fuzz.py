"""The first inputs of every target, the same in every run; `make fuzz` tries more."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import TARGETS
from tests.fuzz.child import random_of
from tests.support.checkout import CHECKOUT

INPUTS = 25
LIMIT_S = 600.0


def test_no_input_ends_the_process_or_takes_more_than_it_may(tmp_path: Path) -> None:
    arguments = ["--inputs", str(INPUTS), "--seconds", str(LIMIT_S), "--out", str(tmp_path)]
    command = [sys.executable, "-m", "tests.fuzz", *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=2 * LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(target.name in done.stdout for target in TARGETS)


@pytest.mark.parametrize("name", [target.name for target in TARGETS])
def test_a_seed_makes_the_same_input_every_time(name: str, tmp_path: Path) -> None:
    (target,) = (target for target in TARGETS if target.name == name)
    make, _ = target.open(tmp_path)
    assert make(random_of(target, 7)) == make(random_of(target, 7))
