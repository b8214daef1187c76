"""The way of a cohort in the cluster: embedded, trained on in the bucket by a job, promoted, and cases scored by it."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from services.trainer.simulation.simulate import SimulationPlan, simulate
from shared.model.manifest import MANIFEST
from tests.support.cluster.images import IMAGES, WITH_TRAINER
from tests.support.cluster.kubernetes import until
from tests.support.cluster.observer import Observer
from tests.support.cluster.operator import paste
from tests.support.cluster.site import BUCKET, Site
from tests.support.cohorts import quiet

pytestmark = pytest.mark.skipif("trainer" not in IMAGES, reason=f"torch takes 5 GB; {WITH_TRAINER}=1 builds it as well")
_PATIENTS, _WITH_SLIDES = 60, 30
_JOB = "training-in-bucket"
_TABLE, _BUNDLE = "cohorts/e2e.csv", "bundles/e2e/"
_BUNDLE_URI = f"s3://{BUCKET}/{_BUNDLE.rstrip('/')}"
_FOLDERS = ("--cohort", f"s3://{BUCKET}/{_TABLE}", "--embeddings", f"s3://{BUCKET}", "--out", _BUNDLE_URI)
_TRAINER = {
    "enabled": True,
    "args": ["-m", "services.trainer", *_FOLDERS, "--refits", "2"],
    "resources": {"requests": {"cpu": "50m", "memory": "512Mi"}, "limits": {"memory": "4Gi"}},
}


@pytest.fixture
def cases(site: Site, observer: Observer, tmp_path: Path) -> Iterator[list[str]]:
    """Cases of a SIMULATED cohort with slides that the cluster has scored, its table, and the template of the job."""
    cases = observer.land("cohort", range(_WITH_SLIDES))
    table = _table(tmp_path, cases).encode()
    observer.store(lambda s3: s3.put_object(Bucket=BUCKET, Key=_TABLE, Body=table))
    site.medulla.install({"trainer": _TRAINER})
    observer.wait_scored(cases, 900)
    yield cases
    site.namespace.attempt("delete", "job", _JOB, "--wait")
    observer.promote()
    site.medulla.install()


def _table(folder: Path, cases: Sequence[str]) -> str:
    """A cohort whose first patients are the landed cases."""
    simulate(SimulationPlan(patients=_PATIENTS, tiles=1, width=8), folder, quiet)
    rows = list(csv.DictReader(io.StringIO((folder / "cohort.csv").read_text())))
    for row, case in zip(rows, cases, strict=False):
        row["case_id"] = case
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_a_job_trains_on_slides_that_the_cluster_embedded_and_its_bundle_scores_them_again(
    site: Site, observer: Observer, cases: list[str]
) -> None:
    before = observer.only_score(cases[0])["provenance"]
    site.namespace.kubectl("create", "job", _JOB, f"--from=cronjob/{site.medulla.object_name('trainer')}")
    until("the job to end", lambda: _unfinished(site), 900)
    log = site.namespace.kubectl("logs", f"job/{_JOB}")
    assert f"{_BUNDLE_URI}: bundle medulloblastoma-simulated, digest" in log, log
    manifest = observer.store(lambda s3: s3.get_object(Bucket=BUCKET, Key=_BUNDLE + MANIFEST)["Body"].read())
    assert "mil.onnx" in json.loads(manifest)["files"], "the slides' model"
    promoted = paste(site, f"medulla rescore --bundle {_BUNDLE_URI} --despite-reservations --json")
    assert promoted.returncode == 0, promoted.stderr
    digest = json.loads(promoted.stdout)["promoted"]
    assert digest in log
    until("the cohort to be scored again", lambda: _of_another(observer, digest, cases), 300)
    after = observer.current_score(cases[0])["provenance"]
    assert (after["bundle_digest"], after["encoder_digest"]) == (digest, before["encoder_digest"])
    assert before["bundle_digest"] != digest


def _unfinished(site: Site) -> str:
    status = site.namespace.object("job", _JOB)["status"]
    return "" if {"succeeded", "failed"} & status.keys() else json.dumps(status)


def _of_another(observer: Observer, bundle: str, cases: Sequence[str]) -> str:
    """Cases whose current score was made by another bundle."""
    return " ".join(case for case in cases if observer.current_score(case)["provenance"]["bundle_digest"] != bundle)
