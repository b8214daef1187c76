"""The commands of the guide, run in the order of its pages on small sizes, as a reader would."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.command_line import medulla
from tests.support.guide_blocks import arguments_of, blocks
from tests.support.missing import optional_library
from tests.support.short_training import shorten_training

torch = optional_library("torch", "train")
SMALL = {
    "evaluate": ["--repeats", "1", "--folds", "2", "--workers", "1"],
    "train": ["--refits", "2"],
    "simulate": ["--tiles", "4", "--width", "8"],
    "finetune": ["--epochs", "1", "--share", "1", "--batch", "8"],
}
"""Options that replace the defaults."""
PATIENTS = 60
WORDS = {"resnet50": "timm:test_resnet"}
"""A network that is exported in a second."""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current directory of a reader who has what the guide cannot bring, and whose networks are small."""
    from services.standalone.encoders import sources  # noqa: PLC0415 - needs torch
    from tests.support.guide_reader import write_files  # noqa: PLC0415 - needs torch
    from tests.support.recipes import one_block  # noqa: PLC0415 - needs torch

    folder, threads = tmp_path_factory.mktemp("reader"), torch.get_num_threads()
    write_files(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        shorten_training(patch)
        patch.setattr(sources, "load_recipe", one_block)
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
    scores = [json.loads(file.read_bytes()) for file in (reader / "out/composed/scores").glob("*.json")]
    assert ["composition", "Left", "Right"] in [
        [vector["block"], *score["composition_classes"]] for score in scores for vector in score.get("vectors", ())
    ]
