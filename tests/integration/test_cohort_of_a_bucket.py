"""Cohort commands and the training job on a bucket of a real S3 server, as a deployment leaves it."""

import json
import sys
from pathlib import Path

import pytest

from services.fusion_scorer.case_index import CaseIndex
from services.standalone.local_slides import slide_at
from services.standalone.pipeline import open_pipeline
from services.standalone.pipeline_options import Options
from services.standalone.workspace import open_workspace
from services.trainer import __main__ as job
from services.trainer.bucket.copies import Copies
from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.report_model.report import Report
from services.trainer.simulation.simulate import SimulationPlan, simulate
from shared import model_keys
from shared.blob.s3 import S3Store
from tests.support.cohorts import quiet
from tests.support.command_line import medulla
from tests.support.finetuning import small_encoder
from tests.support.fusion import features, store_slide, write_bundle
from tests.support.guide_blocks import blocks
from tests.support.missing import optional_library
from tests.support.object_stores import s3_settings
from tests.support.parts import MinioPart


@pytest.fixture
def bucket(minio: MinioPart, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, with the settings of its server in the environment."""
    monkeypatch.setenv("MEDULLA_S3__ENDPOINT_URL", minio.endpoint)
    monkeypatch.setenv("MEDULLA_S3__ACCESS_KEY_ID", minio.access_key)
    monkeypatch.setenv("MEDULLA_S3__SECRET_ACCESS_KEY", minio.secret_key)
    return minio.bucket()


def test_a_cohort_is_trained_and_validated_in_the_bucket(
    minio: MinioPart, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, home = S3Store(s3_settings(minio, bucket)), f"s3://{bucket}"
    for seed in (1, 2):
        simulate(SimulationPlan(patients=100, tiles=1, width=8, seed=seed), tmp_path / str(seed), quiet)
        store.put(f"cohorts/{seed}.csv", (tmp_path / str(seed) / "cohort.csv").read_bytes())
    options = ["--cohort", f"{home}/cohorts/1.csv", "--out", f"{home}/bundles/first", "--refits", "1"]
    monkeypatch.setattr(sys, "argv", ["trainer", *options])
    assert job.main() == 0
    given = ("--bundle", f"{home}/bundles/first", "--cohort", f"{home}/cohorts/2.csv")
    done = medulla("validate", *given, "--out", f"{home}/reports/first")
    assert done.exit_code == 0, done.output
    assert f"{home}/reports/first/report.html" in done.output
    assert Report.model_validate_json(store.get("reports/first/report.json")).kind == "validate"


def test_what_is_not_there_is_one_sentence(bucket: str) -> None:
    done = medulla("train", "--cohort", f"s3://{bucket}/cohort.csv", "--out", f"s3://{bucket}/bundle")
    assert done.exit_code == 1
    assert f"there is no object s3://{bucket}/cohort.csv" in done.output


def test_bags_of_a_deployment_are_copied(minio: MinioPart, bucket: str, tmp_path: Path) -> None:
    store = S3Store(s3_settings(minio, bucket))
    CaseIndex(store).put_slide(store_slide(store, "MB-1", "S.svs", features((1, 2), (3, 4))))
    copied = Copies(tmp_path, lambda name: S3Store(s3_settings(minio, name)))
    folder = copied.bags(Path(f"s3://{bucket}"), ["MB-1", "MB-2"], quiet)
    assert read_embeddings(folder).bag("MB-1").tolist() == [[1, 2], [3, 4]]


def test_a_bundle_with_reservations_is_promoted_with_a_flag_only(
    minio: MinioPart, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDULLA_S3__BUCKET", bucket)
    store = S3Store(s3_settings(minio, bucket))
    folder = write_bundle(tmp_path / "doubted", entries={"reservations": ["Model fused: no better than the rule."]})
    refused = medulla("rescore", "--bundle", folder)
    assert refused.exit_code == 1
    assert "no better than the rule" in refused.output
    assert "--despite-reservations" in refused.output
    assert store.head(model_keys.CURRENT_BUNDLE) is None
    done = medulla("rescore", "--bundle", folder, "--despite-reservations")
    assert done.exit_code == 0, done.output
    assert json.loads(store.get(model_keys.CURRENT_BUNDLE))["digest"] in done.output


def test_the_guides_commands_for_a_bucket_train_and_tune_on_what_a_deployment_embedded(
    minio: MinioPart, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    optional_library("torch", "train")
    store, small = S3Store(s3_settings(minio, bucket)), small_encoder(tmp_path / "small")
    medulla("simulate", "--patients", 60, "--slides", "--tiles", 2, "--out", tmp_path / "sim")
    store.put("cohorts/2026.csv", (tmp_path / "sim/cohort.csv").read_bytes())
    put_folder(store, small, "encoders/small/")
    embed_as_services(store, tmp_path / "sim/slides", tmp_path / "services", small)
    train, finetune = (
        [word.replace("s3://medulla", f"s3://{bucket}") for word in arguments]
        for block in blocks()
        if block.mark == "needs a bucket"
        for arguments in block.commands
    )
    trained = medulla(*train, "--refits", 1)
    assert trained.exit_code == 0, trained.output
    assert store.head("bundles/2026/mil.onnx")
    short = ("--top", 4, "--epochs", 2, "--share", 1, "--encoder", f"s3://{bucket}/encoders/small")
    tuned = medulla(*finetune, *short)
    assert tuned.exit_code == 0, tuned.output
    assert json.loads(store.get("encoders/2026/manifest.json"))["training"]["learned_from"] == "slide-level outcome"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    shared = medulla(*finetune, *short)
    assert (shared.exit_code, "set MEDULLA_COPIES to a folder" in shared.output) == (1, True)


def embed_as_services(store: S3Store, slides: Path, folder: Path, encoder: Path) -> None:
    """Put slides of `case/slide` into the bucket, with plans, bags and the index of the services."""
    options = Options(encoder=encoder)
    with open_pipeline(open_workspace(folder), options) as pipeline:
        events = [pipeline.embed(slide_at(path, path.parent.name)) for path in sorted(slides.glob("*/*.tiff"))]
    for name in ("slides", "plans", "embeddings"):
        put_folder(store, folder / name, f"{name}/")
    for event in events:
        stored = event.slide.object
        stored.etag = next(iter(store.list(stored.key))).etag
        CaseIndex(store).put_slide(event)


def put_folder(store: S3Store, folder: Path, prefix: str) -> None:
    for file in filter(Path.is_file, folder.rglob("*")):
        store.put(prefix + file.relative_to(folder).as_posix(), file.read_bytes())
