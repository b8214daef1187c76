"""An encoder is run in a child process first: whatever happens there is a sentence here."""

import shutil
from pathlib import Path

import pytest

from services.embedder.encoder_trial import EncoderTrial
from services.embedder.errors import UnknownEncoderError
from services.embedder.shipped_encoder import DEFAULT_ENCODER

ABORT = ("-c", "import os; os.abort()")
SPIN = """
import sys
from pathlib import Path
from services.embedder import encoder_trial

def spin(*_, **__):
    while True:
        pass

encoder_trial.OnnxEncoder = spin
encoder_trial.main(Path(sys.argv[-3]), int(sys.argv[-2]), 1)
"""
"""Allows itself less CPU time than it was asked for, so that a busy machine ends no test by the clock."""


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A copy of the encoder that ships, which is tried as any other."""
    return Path(shutil.copytree(DEFAULT_ENCODER, tmp_path / "foreign"))


def test_an_encoder_that_runs_passes(foreign: Path) -> None:
    EncoderTrial()(foreign)
    assert (foreign / "encoder.onnx").is_file()


def test_the_encoder_that_ships_needs_no_child() -> None:
    EncoderTrial(program=ABORT)(DEFAULT_ENCODER)
    assert DEFAULT_ENCODER.is_dir()


@pytest.mark.parametrize(
    ("trial", "sentence"),
    [
        (EncoderTrial(program=ABORT), r"ends the process that tries it out \(exit code -6\)"),
        (EncoderTrial(seconds=0.01), r"takes longer than 0\.05 s"),
        (EncoderTrial(seconds=60, program=("-c", SPIN)), r"takes more than 60 s of CPU time to load and run once"),
        (EncoderTrial(base_mb=0), r"ends the process|cannot be run"),
    ],
)
def test_a_child_that_ends_is_an_encoder_that_cannot_be_used(foreign: Path, trial: EncoderTrial, sentence: str) -> None:
    with pytest.raises(UnknownEncoderError, match=sentence):
        trial(foreign)


def test_what_the_child_finds_wrong_is_the_sentence(foreign: Path) -> None:
    (foreign / "encoder.onnx").write_bytes(b"altered")
    with pytest.raises(UnknownEncoderError, match="does not have the digest"):
        EncoderTrial()(foreign)
