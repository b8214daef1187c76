"""`import medulla` on the demo's files: its examples run, and it scores as the command does."""

import doctest
import json
from importlib import import_module
from pathlib import Path

import medulla
import numpy as np
import pytest
from medulla.errors import NamelessCaseError

_DOCUMENTED = ("_slides", "_embedding", "_bags", "_cohorts", "_bundles")
"""Modules with examples."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's slide embedded, in which examples run."""
    folder = tmp_path_factory.mktemp("examples")
    assert medulla.embed(medulla.demo.SLIDE, folder / "embeddings", case_id="DEMO-001").embedded == 1
    return folder


@pytest.fixture(scope="module")
def bundle() -> medulla.Bundle:
    """The demo's bundle."""
    return medulla.Bundle.load(medulla.demo.BUNDLE)


@pytest.mark.parametrize("name", _DOCUMENTED)
def test_the_examples_run(name: str, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    module = import_module(f"medulla.{name}")
    result = doctest.testmod(module, extraglobs={"medulla": medulla, "Path": Path})
    assert (result.attempted > 0, result.failed) == (True, 0)


def test_a_record_scores_alike_as_a_file_and_as_values(bundle: medulla.Bundle) -> None:
    values = json.loads(medulla.demo.RECORD.read_text())
    of_values, of_file = bundle.score(values), bundle.score(medulla.demo.RECORD)
    assert of_values.log_risk == of_file.log_risk
    assert of_values.modalities_missing == ["slides"]


def test_numbers_of_numpy_score_as_those_of_python(bundle: medulla.Bundle) -> None:
    values = json.loads(medulla.demo.RECORD.read_text()) | {"age_at_diagnosis_years": 6}
    of_row = bundle.score(values | {"age_at_diagnosis_years": np.int64(6)})
    assert of_row.log_risk == bundle.score(values).log_risk


def test_bags_without_a_record_score_their_case(bundle: medulla.Bundle, work: Path) -> None:
    score = bundle.score(embeddings=str(work / "embeddings"), case_id="DEMO-001")
    assert (score.model, len(score.slides)) == ("pathomics", 1)


def test_a_case_without_a_name_is_refused(bundle: medulla.Bundle) -> None:
    with pytest.raises(NamelessCaseError, match="give case_id, or a record that states it"):
        bundle.score({"sex": "male"})
