"""A bundle with a classifier of tiles: a score of slides has the shares that training computed, without a file."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from services.trainer.bucket.copies import copies
from services.trainer.bundle.served import read_bundle
from services.trainer.bundle.training_facts import TRAINING
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.errors import BadEmbeddingsError, BadVectorTableError, OtherEncoderError, SeenCasesError
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from services.trainer.tile_classifier.cohort_block import CohortClassifier
from services.trainer.validation.validate import validate
from shared.canonical import sha256
from shared.model.case_vector import vector_bytes
from tests.support.cohorts import quiet, write_bags
from tests.support.command_line import AT_FAULT, medulla, printed
from tests.support.labelled_bags import write_labels
from tests.support.missing import optional_library

optional_library("torch", "train")

LABELLED = 8
"""Patients with labelled tiles."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort, a classifier that learned from eight of its patients, and a bundle with it."""
    out = tmp_path_factory.mktemp("composed")
    simulate(SimulationPlan(patients=50, effect=2.0, tiles=12, width=8), out, quiet)
    embeddings = read_embeddings(out / "embeddings")
    rows = [
        (case, bag.slide_id, bag.slide_digest, "right" if value > 0 else "left", x, y, 1.0, "x.png")
        for case, bags in sorted(embeddings.by_case.items())[:LABELLED]
        for bag in bags
        for (x, y), value in zip(bag.origins().tolist(), bag.rows()[:, 0], strict=True)
    ]
    write_labels(out / "tiles", rows)
    given = ("--embeddings", out / "embeddings")
    printed("classifier", "fit", "--tiles", out / "tiles", *given, "--out", out / "classifier")
    cohort = ("--cohort", out / "cohort.csv", *given)
    printed("train", *cohort, "--tile-classifier", out / "classifier", "--refits", 0, "--out", out / "bundle")
    return out


def read(folder: Path) -> tuple[Cohort, Embeddings, CohortClassifier]:
    with copies() as copied:
        classifier = CohortClassifier.read(folder / "classifier", copied)
    cohort = read_cohort(folder / "cohort.csv", load_profile())
    return cohort, read_embeddings(folder / "embeddings"), classifier


def test_a_score_of_slides_has_the_shares_that_training_had_of_a_case_without_labels(folder: Path) -> None:
    cohort, embeddings, classifier = read(folder)
    given = ("--cases", folder / "cohort.csv", "--embeddings", folder / "embeddings", "--bundle", folder / "bundle")
    assert medulla("score", *given, "--out", folder / "scores").exit_code == 0
    trained = classifier.add_to(cohort, embeddings).vectors["composition"]
    unlabelled = sorted(set(embeddings.by_case).intersection(cohort.case_ids))[LABELLED:]
    for case in unlabelled[:5]:
        score = json.loads((folder / f"scores/scores/{case}.json").read_bytes())
        (vector,) = score["vectors"]
        assert (vector["title"], vector["from_slides"]) == ("histology composition", True)
        shares = dict(zip(trained.columns, trained.values[cohort.case_ids.index(case)].tolist(), strict=True))
        file = vector_bytes(case, "composition", shares, simulated=True)
        assert score["provenance"]["vectors"] == [{"block": "composition", "digest": sha256(file)}]
        assert score["composition_classes"] == ["left", "right"]
        assert score["slides"][0]["composition_shares"] == pytest.approx(list(shares.values()), abs=1e-5)


def test_models_learn_from_labelled_patients_by_classifiers_without_them_and_the_card_says_so(folder: Path) -> None:
    cohort, embeddings, classifier = read(folder)
    case = sorted(embeddings.by_case)[0]
    bag = embeddings.bag(case)
    shares = classifier.add_to(cohort, embeddings).vectors["composition"].values[cohort.case_ids.index(case)]
    assert np.allclose(shares, classifier.classifier.probabilities(case, bag).mean(axis=0), atol=1e-6)
    assert not np.allclose(shares, classifier.served.probabilities(bag).mean(axis=0), atol=1e-4)
    card = (folder / "bundle/model_card.md").read_text()
    assert "histology composition: expected shares of left and right among a case's tiles" in card
    assert f"{LABELLED} patients of the cohort had labelled tiles; models learned from their shares by" in card
    assert case not in card + (folder / "bundle" / TRAINING).read_text()


def test_a_validation_computes_the_block_itself_and_refuses_patients_of_the_labels(
    folder: Path, tmp_path: Path
) -> None:
    simulate(SimulationPlan(patients=40, seed=2, tiles=12, width=8, prefix="OTHER"), tmp_path, quiet)
    served = read_bundle(folder / "bundle")
    other = read_cohort(tmp_path / "cohort.csv", served.profile)
    bags = read_embeddings(tmp_path / "embeddings")
    report = validate(served, other, bags, tmp_path / "report", quiet)
    assert {"composition", "fused"} <= report.arms.keys()
    assert "composition" in report.procedure.vectors
    labelled = {"labelled": served.training.trained_on["labelled"]}
    only = read_bundle(folder / "bundle").training.model_copy(update={"trained_on": labelled})
    seen = type(served)(served.bundle, only)
    case = sorted(read_embeddings(folder / "embeddings").by_case)[0]
    renamed = type(other)(**{**vars(other), "case_ids": (case, *other.case_ids[1:])})
    with pytest.raises(SeenCasesError, match=rf"{case} \(labelled tiles\)"):
        validate(seen, renamed, bags, tmp_path / "again", quiet)


def test_what_a_classifier_cannot_be_trained_with_is_refused(folder: Path, tmp_path: Path) -> None:
    cohort, embeddings, classifier = read(folder)
    with pytest.raises(BadEmbeddingsError, match="needs --embeddings"):
        classifier.add_to(cohort, None)
    with pytest.raises(BadVectorTableError, match="leave out the table"):
        classifier.add_to(classifier.add_to(cohort, embeddings), embeddings)
    others = read_embeddings(write_bags(tmp_path, {cohort.case_ids[0]: np.zeros((4, 8))}, encoder="another"))
    with pytest.raises(OtherEncoderError, match="another"):
        classifier.add_to(cohort, others)
    done = medulla(
        "train", "--cohort", folder / "cohort.csv", "--tile-classifier", tmp_path, "--out", tmp_path / "bundle"
    )
    assert (done.exit_code, (tmp_path / "bundle").exists()) == (AT_FAULT, False)


def test_the_bundle_is_shown_with_its_classes(folder: Path) -> None:
    shown = printed("bundle", "show", folder / "bundle")
    assert shown["tile_classifier"]["classes"] == ["left", "right"]
    assert "tile-classifier.json" in shown["files"]
    assert (
        "left and right, from slides by the bundle's classifier" in medulla("bundle", "show", folder / "bundle").stdout
    )


def test_a_table_of_the_shares_has_the_values_that_training_computes(folder: Path, tmp_path: Path) -> None:
    given = ("--cohort", folder / "cohort.csv", "--embeddings", folder / "embeddings")
    printed("classifier", "apply", folder / "classifier", *given[2:], "--out", tmp_path)
    with (tmp_path / "composition.csv").open() as file:
        by_case = {row["case_id"]: row for row in csv.DictReader(file)}
    cohort, embeddings, classifier = read(folder)
    vectors = classifier.add_to(cohort, embeddings).vectors["composition"]
    for case, row in zip(cohort.case_ids, vectors.values, strict=True):
        if case in by_case:
            assert [float(by_case[case][name]) for name in vectors.columns] == row.tolist()
