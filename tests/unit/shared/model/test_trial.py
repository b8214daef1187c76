"""A bundle is loaded in a child process first: whatever happens there is a sentence here."""

from pathlib import Path

import onnx
import pytest
from onnx import helper

from services.standalone.demo_case import DEMO_BUNDLE
from shared.model.bundle_files import verify
from shared.model.errors import BadBundleError
from shared.model.trial import Trial
from tests.support.fusion import mil, write_bundle

ABORT = ("-c", "import os; os.abort()")
SPIN = """
import sys
from shared.model import trial

def spin(_):
    while True:
        pass

trial.load = spin
trial.main(int(sys.argv[-2]), 1)
"""
"""Allows itself less CPU time than it was asked for, so that a busy machine ends no test by the clock."""


def test_the_bundle_that_ships_passes() -> None:
    files = verify(DEMO_BUNDLE)
    Trial()(files)
    assert files.manifest.name


@pytest.mark.parametrize(
    ("trial", "sentence"),
    [
        (Trial(program=ABORT), r"bundle toy ends the process that tries it out \(exit code -6\)"),
        (Trial(memory_mb=1), r"bundle toy ends the process that tries it out \(exit code"),
        (Trial(seconds=0.01), r"bundle toy takes longer than 0\.05 s to load and run once"),
        (Trial(seconds=60, program=("-c", SPIN)), r"bundle toy takes more than 60 s of CPU time to load and run once"),
    ],
)
def test_a_child_that_ends_is_a_bad_bundle(tmp_path: Path, trial: Trial, sentence: str) -> None:
    with pytest.raises(BadBundleError, match=sentence):
        trial(verify(write_bundle(tmp_path / "toy")))


def test_a_lower_limit_of_cpu_time_stays_and_refuses_nothing(tmp_path: Path) -> None:
    limited = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (50, 50))
from shared.child_process import limit_cpu
limit_cpu(float(sys.argv[-1]))
sys.exit(resource.getrlimit(resource.RLIMIT_CPU) != (50, 50))
"""
    files = verify(write_bundle(tmp_path / "toy"))
    Trial(program=("-c", limited))(files)
    assert files.manifest.name == "toy"


def test_a_model_that_fails_only_when_it_runs_is_refused_in_the_sentence_of_the_child(tmp_path: Path) -> None:
    model = onnx.load_from_string(mil())
    model.graph.node.insert(0, helper.make_node("Gather", ["bag", "far"], ["never"], axis=1))
    model.graph.initializer.append(helper.make_tensor("far", onnx.TensorProto.INT64, [1], [9]))
    model.graph.node[1].input[0] = "never"
    folder = write_bundle(tmp_path / "toy", {"mil.onnx": model.SerializeToString()})
    with pytest.raises(BadBundleError, match=r"mil\.onnx|ends the process"):
        Trial()(verify(folder))
