"""The commands of the guide, run in the order of its pages on small sizes, as a reader would."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.command_line import medulla
from tests.support.guide_blocks import arguments_of, blocks
from tests.support.missing import optional_library
from tests.support.simulated_hancock import write_hancock

torch = optional_library("torch", "train")
SMALL = {
    "evaluate": ["--repeats", "1", "--folds", "2", "--workers", "1"],
    "train": ["--refits", "2"],
    "simulate": ["--tiles", "4", "--width", "8"],
}
"""Options that replace the defaults."""
WORDS = {"resnet50": "timm:test_resnet"}
"""A network that is exported in a second."""
PATIENTS = 60


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current directory of a reader who has downloaded HANCOCK, and whose networks learn little."""
    from services.trainer.slides import stage  # noqa: PLC0415 - needs torch
    from services.trainer.slides.training import Schedule  # noqa: PLC0415 - needs torch

    folder, threads = tmp_path_factory.mktemp("reader"), torch.get_num_threads()
    write_hancock(folder / "hancock", PATIENTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(stage, "SEEDS", 1)
        patch.setattr(stage, "FOLDS", 2)
        patch.setattr(stage, "Schedule", partial(Schedule, epochs=1))
        torch.set_num_threads(1)
        yield folder
        torch.set_num_threads(threads)


def smaller(arguments: list[str]) -> list[str]:
    """The command on the smallest size that it takes."""
    words = [
        str(min(int(word), PATIENTS)) if before == "--patients" else WORDS.get(word, word)
        for before, word in pairwise(["", *arguments])
    ]
    return words + SMALL.get(arguments[0], [])


def run(statement: str, folder: Path) -> tuple[int, str]:
    """Exit code and output; commands of Medulla run in this process, all else in a shell."""
    if arguments := arguments_of(statement):
        result = medulla(*smaller(arguments))
        return result.exit_code, result.output
    shell = ["bash", "-euo", "pipefail", "-c", statement]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path}
    done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_the_commands_of_the_guide_do_what_it_says(reader: Path) -> None:
    ended = [
        (block.page, statement, run(statement, reader), block.exit_code if statement == block.statements[-1] else 0)
        for block in blocks()
        if block.runs
        for statement in block.statements
    ]
    assert [(page, statement, output) for page, statement, (code, output), wanted in ended if code != wanted] == []
    assert len(ended) > 30
