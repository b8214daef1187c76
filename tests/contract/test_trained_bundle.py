"""What `medulla train` writes: the scorer reads it and gives the same predictions as the trainer."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from services.trainer.bundle.served import ServedBundle, predict_all, read_bundle
from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.evaluation.prototype_rows import prototype_rows
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from shared.model.bundle import Bundle, load
from shared.model.case_values import CaseValues
from shared.model.errors import BadBundleError
from shared.model.mil import MIL
from shared.model.record import parse_record
from shared.units import CaseId

OUTCOME = ("time_days", "event_code")


def nothing(_done: int, _total: int) -> None:
    """Ignore progress."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    simulate(SimulationPlan(patients=120, effect=2.0, tiles=20, width=16), out, nothing)
    cohort, embeddings = read(out)
    train_bundle(cohort, embeddings, TrainPlan("test", "2026-01-01", refits=3), out / "bundle", nothing)
    return out


def read(out: Path) -> tuple[Cohort, Embeddings]:
    return read_cohort(out / "cohort.csv", load_profile()), read_embeddings(out / "embeddings")


@pytest.fixture(scope="module")
def served(folder: Path) -> ServedBundle:
    return read_bundle(folder / "bundle")


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Bundle:
    return load(folder / "bundle")


def records(folder: Path) -> list[dict[str, str | float]]:
    """Clinical records of the table's rows, without what is missing."""
    numeric = {"age_at_diagnosis_years", "residual_area_cm2"}
    with (folder / "cohort.csv").open() as file:
        return [
            {
                name: float(value) if name in numeric else value
                for name, value in row.items()
                if value and name not in OUTCOME
            }
            for row in csv.DictReader(file)
        ]


def test_the_scorer_says_of_every_patient_what_the_trainer_says(
    folder: Path, served: ServedBundle, scorer: Bundle
) -> None:
    cohort, embeddings = read(folder)
    patients = served.patients(cohort, embeddings)
    expected, _ = predict_all(served, patients)
    assert scorer.mil is not None
    place = patients.horizon
    for i, record in enumerate(records(folder)):
        record["simulated"] = True
        case = CaseId(cohort.case_ids[i])
        values = dict(parse_record(json.dumps(record).encode(), case, scorer.manifest.profile).values)
        bag = embeddings.bag(cohort.case_ids[i])
        if len(bag):
            values["pathomics"] = scorer.mil(bag)[0]
        alone = CaseValues.of_case(scorer.manifest.profile, values)
        arm = scorer.arm_for(alone)
        assert arm is not None
        for name, model in {"fused": arm.name, "clinical_molecular_gbm": "clinical_molecular_gbm"}.items():
            risk = scorer.predict(model, alone).risk[0, 0]
            assert risk == pytest.approx(expected[name].risk[i, place], rel=1e-6)


def test_the_scorer_reads_words_and_units_as_the_trainer_does(scorer: Bundle) -> None:
    written = {
        "sex": "F",
        "age_at_diagnosis_months": 30,
        "molecular_group": "SHH-activated and TP53-wildtype",
    }
    record = parse_record(json.dumps(written).encode(), CaseId("A"), scorer.manifest.profile)
    assert record.values == {
        "sex": "female",
        "age_at_diagnosis_years": 2.5,
        "molecular_group": "SHH",
        "tp53_status": "wt",
    }
    assert scorer.manifest.profile.checks == load_profile().checks
    assert scorer.manifest.profile.missing == load_profile().missing


def test_attention_sums_to_one(folder: Path, scorer: Bundle) -> None:
    _, embeddings = read(folder)
    assert scorer.mil is not None
    answer = scorer.mil(embeddings.bag(next(iter(embeddings.by_case))))
    assert answer.attention.sum() == pytest.approx(1, abs=1e-5)


def test_the_scorer_finds_the_prototypes_shares_of_the_training_cohort(folder: Path, scorer: Bundle) -> None:
    _, embeddings = read(folder)
    assert scorer.mil is not None
    assert scorer.prototypes is not None
    answers = [scorer.mil(embeddings.bag(case)).projected for case in embeddings.by_case]
    shares = [scorer.prototypes.shares_of(scorer.prototypes.nearest(tiles)) for tiles in answers if tiles is not None]
    assert np.mean(shares, axis=0) == pytest.approx(scorer.prototypes.shares, abs=1e-3)


def test_prototypes_have_the_numbers_of_the_evaluation_of_the_same_cohort(
    folder: Path, scorer: Bundle, tmp_path: Path
) -> None:
    cohort, embeddings = read(folder)
    rows = prototype_rows(cohort, embeddings, 1, tmp_path)
    assert scorer.prototypes is not None
    assert [row.mean_share for row in rows] == pytest.approx(list(scorer.prototypes.shares), rel=1e-5)


def test_the_same_cohort_and_seed_give_the_same_digest(folder: Path, served: ServedBundle) -> None:
    cohort, embeddings = read(folder)
    again = train_bundle(cohort, embeddings, TrainPlan("test", "2026-01-01", refits=3), folder / "again", nothing)
    assert again == served.bundle.digest


def test_a_bundle_altered_by_one_byte_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    copy.mkdir()
    for path in (folder / "bundle").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    content = (copy / "clinical.json").read_bytes()
    (copy / "clinical.json").write_bytes(content[:-3] + b" " + content[-2:])
    with pytest.raises(BadBundleError, match=r"clinical\.json .* was altered"):
        read_bundle(copy)


def test_a_file_that_is_not_listed_is_refused_by_trainer_and_scorer_alike(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder / "bundle", tmp_path / "bundle"))
    (copy / "extra.txt").write_text("more")
    with pytest.raises(BadBundleError, match=r"holds extra\.txt, which bundle\.json does not list"):
        read_bundle(copy)
    with pytest.raises(BadBundleError, match=r"holds extra\.txt, which bundle\.json does not list"):
        load(copy)


def test_a_bundle_says_that_its_risks_are_not_recalibrated(folder: Path, scorer: Bundle) -> None:
    assert not scorer.calibration.arms
    assert scorer.calibration.basis.startswith("Risks are not recalibrated")
    assert scorer.calibration.basis in (folder / "bundle" / "model_card.md").read_text()


def test_the_mil_has_few_weights(folder: Path) -> None:
    import onnx  # noqa: PLC0415

    model = onnx.load_from_string((folder / "bundle" / MIL).read_bytes())
    assert sum(int(np.prod(item.dims)) for item in model.graph.initializer) <= 300_000
