"""A classifier of tiles: what it learns, what it says of patients whom it has seen, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.cohort.vector_table import read_vector_table
from services.trainer.errors import BadClassifierError, BadEmbeddingsError, BadTilesError, LeakError, OtherEncoderError
from services.trainer.simulation.simulate import write_bag
from services.trainer.simulation.tables import write_table
from services.trainer.tile_classifier.classifier import WEIGHTS, TileClassifier
from services.trainer.tile_classifier.composition import compose
from services.trainer.tile_classifier.figures import Auc
from services.trainer.tile_classifier.fit import fit_classifier
from services.trainer.tile_classifier.labels import labelled_tiles, read_tiles
from shared.arrays import Floats
from shared.model.tile_classifier import adjusted
from tests.support.cohorts import quiet, write_bags
from tests.support.command_line import AT_FAULT, medulla, printed
from tests.support.labelled_bags import Drawn, draw, write_labels


def mixtures(patients: int, classes: int = 3) -> list[Floats]:
    return list(np.random.default_rng(1).dirichlet(np.full(classes, 2.0), patients))


def fitted(drawn: Drawn, seed: int = 1) -> TileClassifier:
    bags = read_embeddings(drawn.embeddings)
    return fit_classifier(labelled_tiles(read_tiles(drawn.tiles), bags), bags, seed, quiet)


@pytest.fixture(scope="module")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Twelve patients whose classes hardly overlap."""
    return draw(tmp_path_factory.mktemp("clear"), mixtures(12), apart=6.0)


def test_clear_classes_are_told_apart_and_shares_are_those_of_the_tiles(clear: Drawn) -> None:
    classifier = fitted(clear)
    composition = compose(classifier, read_embeddings(clear.embeddings), quiet)
    truth = np.stack([np.bincount(clear.truth[case], minlength=3) / 60 for case in composition.cases])
    assert composition.classes == ("A", "B", "C")
    assert np.abs(composition.shares - truth).max() < 0.05
    assert all((row.auc.est or 0) > 0.99 for row in classifier.manifest.figures.classes)
    assert abs(classifier.manifest.figures.overconfidence.est or 0) < 0.05
    assert sum(map(sum, classifier.manifest.figures.confusion)) == 12 * 6


def test_classes_that_are_alike_have_an_auc_of_a_half_and_no_confidence(tmp_path: Path) -> None:
    figures = fitted(draw(tmp_path, mixtures(20, 2), apart=0.0, labelled=20, seed=100)).manifest.figures
    for row in figures.classes:
        assert row.auc.lo is not None
        assert row.auc.hi is not None
        assert row.auc.lo < 0.5 < row.auc.hi
    assert abs(figures.overconfidence.est or 0) < 0.1


def test_a_patient_of_the_labels_is_classified_by_a_model_that_has_not_seen_them(clear: Drawn) -> None:
    classifier = fitted(clear)
    bag = read_embeddings(clear.embeddings).bag("P-0")
    unseen = classifier.probabilities("P-0", bag)
    assert not np.allclose(unseen, classifier.probabilities("somebody else", bag))
    share = np.array(classifier.manifest.prevalence)
    assert np.allclose(
        classifier.probabilities("somebody else", bag), adjusted(classifier.models[0].probabilities(bag), share)
    )


def test_a_stored_classifier_gives_the_same_probabilities_and_one_that_was_altered_is_refused(
    clear: Drawn, tmp_path: Path
) -> None:
    classifier = fitted(clear)
    classifier.write(tmp_path)
    bag = read_embeddings(clear.embeddings).bag("P-3")
    assert np.array_equal(TileClassifier.read(tmp_path).probabilities("P-3", bag), classifier.probabilities("P-3", bag))
    altered = bytearray((tmp_path / WEIGHTS).read_bytes())
    altered[-1] ^= 1
    (tmp_path / WEIGHTS).write_bytes(altered)
    with pytest.raises(BadClassifierError, match="digest"):
        TileClassifier.read(tmp_path)


def test_embeddings_of_another_encoder_are_refused(clear: Drawn, tmp_path: Path) -> None:
    others = read_embeddings(write_bags(tmp_path, {"P-0": np.zeros((4, 8))}, encoder="another"))
    with pytest.raises(OtherEncoderError, match="another"):
        compose(fitted(clear), others, quiet)


def test_cases_without_tiles_and_ids_that_are_no_pseudonyms_are_refused_before_anything_is_written(
    clear: Drawn, tmp_path: Path
) -> None:
    classifier = fitted(clear)
    write_table(tmp_path / "index.csv", [write_bag(tmp_path, "P-0", np.zeros((0, 8), np.float32))])
    with pytest.raises(BadEmbeddingsError, match="has a tile"):
        compose(classifier, read_embeddings(tmp_path), quiet)
    row = write_bag(tmp_path, "P-0", np.ones((2, 8), np.float32))
    write_table(tmp_path / "index.csv", [row | {"case_id": "../P-0"}])
    with pytest.raises(BadEmbeddingsError, match="has the case id"):
        compose(classifier, read_embeddings(tmp_path), quiet)


def test_a_rare_class_is_estimated_to_be_as_rare_as_it_is(tmp_path: Path) -> None:
    rare = draw(tmp_path, [np.array([0.96, 0.04])] * 40, apart=4.0, tiles=300, labelled=30)
    truth = np.mean([np.mean(kinds == 1) for kinds in rare.truth.values()])
    classifier = fitted(rare)
    composition = compose(classifier, read_embeddings(rare.embeddings), quiet)
    assert abs(classifier.manifest.prevalence[1] - truth) < 0.01
    assert abs(composition.shares[:, 1].mean() - truth) < 0.01


@pytest.mark.parametrize(
    ("rows", "px", "words"),
    [
        ([("P-0", "A"), ("P-1", "A")], 256, "one class, A"),
        ([("P-0", "A"), ("P-0", "B"), ("P-1", "A")], 256, "class B has tiles of 1 patient"),
        ([("P-0", "A"), ("P-1", "A"), ("P-0", "site_id"), ("P-1", "site_id")], 256, "called site_id"),
        ([("P-0", "A")], 512, "512 px"),
        ([("P-77", "A")], 256, "none of the 1 labelled tiles"),
    ],
)
def test_labels_from_which_nothing_can_be_learned_are_refused_in_a_sentence(
    clear: Drawn, tmp_path: Path, rows: list[tuple[str, str]], px: int, words: str
) -> None:
    slides = {row["case_id"]: (row["slide_id"], row["slide_digest"]) for row in read_tiles(clear.tiles).rows}
    listed = [
        (case, *slides.get(case, ("s", "0" * 64)), name, 256 * place, 0, 1.0, "x.png")
        for place, (case, name) in enumerate(rows)
    ]
    write_labels(tmp_path, listed, px)
    with pytest.raises(BadTilesError, match=words):
        fitted(Drawn(tmp_path, clear.embeddings, {}))


def test_two_patients_who_share_a_slide_are_refused(tmp_path: Path) -> None:
    drawn = draw(tmp_path, mixtures(4), apart=6.0, labelled=20)
    slides = {row["case_id"]: row["slide_digest"] for row in read_tiles(drawn.tiles).rows}
    for path in (drawn.tiles / "tiles.csv", drawn.embeddings / "index.csv"):
        path.write_text(path.read_text().replace(slides["P-1"], slides["P-0"]))
    with pytest.raises(LeakError, match="P-0 and P-1"):
        fitted(drawn)


def test_an_auc_counts_ties_half_and_follows_the_patients_drawn() -> None:
    auc = Auc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False]), np.array([0, 1, 2, 3]))
    weights = np.array([[1.0, 1, 1, 1], [0, 1, 1, 0], [1, 0, 0, 1], [0, 0, 1, 1]])
    assert auc(weights)[:3].tolist() == [0.875, 0.5, 1.0]
    assert np.isnan(auc(weights)[3])


def test_commands_fit_show_and_write_a_table_that_vectors_read(clear: Drawn, tmp_path: Path) -> None:
    fit = medulla(
        "classifier", "fit", "--tiles", clear.tiles, "--embeddings", clear.embeddings, "--out", tmp_path / "c"
    )
    assert fit.exit_code == 0, fit.output
    assert "SIMULATED" in fit.stdout
    assert "Confusion" in (tmp_path / "c/card.md").read_text()
    assert printed("classifier", "show", tmp_path / "c")["classes"] == ["A", "B", "C"]
    out = tmp_path / "out"
    printed("classifier", "apply", tmp_path / "c", "--embeddings", clear.embeddings, "--out", out)
    table = read_vector_table(out / "composition.csv", lambda cell: cell == "")
    vector = json.loads((out / "vectors/P-0/composition.json").read_bytes())
    assert (table.columns, table.simulated, len(table.case_ids)) == (("A", "B", "C"), True, 12)
    assert list(vector["values"].values()) == table.values[table.case_ids.index("P-0")].tolist()
    assert (vector["case_id"], vector["block"]) == ("P-0", "composition")
    assert medulla("classifier", "show", tmp_path / "out").exit_code == AT_FAULT
