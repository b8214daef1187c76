"""The chart's example of a Dask cluster: the training job and an evaluation get from it what one machine gives."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import yaml

from services.trainer.simulation.simulate import SimulationPlan, simulate
from tests.support.chart.paths import CHART
from tests.support.cluster.images import IMAGES, TAG, WITH_TRAINER
from tests.support.cluster.kubernetes import Object, until
from tests.support.cluster.observer import Observer
from tests.support.cluster.site import BUCKET, Site, secret
from tests.support.cohorts import quiet

pytestmark = pytest.mark.skipif("trainer" not in IMAGES, reason=f"torch takes 5 GB; {WITH_TRAINER}=1 builds it as well")
_WORKERS = 2
_KEY = "cohorts/dask.csv"
_TABLE = f"s3://{BUCKET}/{_KEY}"
_ON_CLUSTER = ["--cluster", "tcp://dask-scheduler:8786"]
_SMALL = {"requests": {"cpu": "50m", "memory": "512Mi"}, "limits": {"memory": "4Gi"}}
_READ = ["-m", "services.trainer", "--cohort", _TABLE]
_BUNDLE = f"s3://{BUCKET}/bundles"
_JOBS = {
    "dask": [*_READ, "--refits", "2", "--out", f"{_BUNDLE}/dask", *_ON_CLUSTER],
    "alone": [*_READ, "--refits", "2", "--out", f"{_BUNDLE}/alone"],
}
"""Arguments of each job, which writes a bundle of its name."""
_TRAINER = {"enabled": True, "args": _JOBS["dask"], "resources": _SMALL}
_EVALUATE = """
import sys
from pathlib import Path
from services.trainer.bucket.copies import copies
from services.trainer.cluster_engine import ClusterEngine
from services.trainer.cohort.table import read_cohort
from services.trainer.engine import HERE
from services.trainer.evaluation.evaluate import Plan, evaluate
from services.trainer.profile import load_profile
from services.trainer.report_model.report import REPORT
from shared.progress import silent

table, address, out = sys.argv[1], sys.argv[2], Path("/tmp/reports")
with copies() as copied:
    cohort = read_cohort(copied.file(Path(table)), load_profile())
engines = {"alone": HERE, "dask": ClusterEngine(address, None)}
for name, engine in engines.items():
    evaluate(cohort, None, Plan(1, 2, engine=engine, samples=200), out / name, silent)
reports = [(out / name / REPORT).read_bytes() for name in engines]
print("equal" if reports[0] == reports[1] else "different")
"""


@pytest.fixture(scope="module")
def dask(site: Site, observer: Observer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The table of a SIMULATED cohort in the bucket, the template of the job, and the example with two workers."""
    folder = tmp_path_factory.mktemp("dask")
    simulate(SimulationPlan(60, tiles=1, width=8), folder, quiet)
    table = (folder / "cohort.csv").read_bytes()
    observer.store(lambda s3: s3.put_object(Bucket=BUCKET, Key=_KEY, Body=table))
    site.namespace.apply(secret("medulla-s3", **_keys(site)))
    site.medulla.install({"trainer": _TRAINER})
    example = _example(site)
    try:
        site.namespace.apply(*example)
        for name in ("dask-scheduler", "dask-worker"):
            site.namespace.kubectl("rollout", "status", f"deployment/{name}", "--timeout=300s", timeout=310)
        yield
    finally:
        for each in example:
            site.namespace.attempt("delete", each["kind"], each["metadata"]["name"], "--wait=false")
        site.namespace.attempt("delete", "job", *_JOBS, "--wait")
        site.namespace.attempt("delete", "secret", "medulla-s3")
        site.medulla.install()


def _keys(site: Site) -> dict[str, str]:
    """The secret that the example names."""
    return {"accessKeyId": site.secret("s3AccessKeyId"), "secretAccessKey": site.secret("s3SecretAccessKey")}


def _example(site: Site) -> list[Object]:
    """The example as the chart's README says: with the release's bucket; with two small workers of this checkout."""
    objects: list[Object] = [*yaml.safe_load_all((CHART / "examples" / "dask.yaml").read_text())]
    for each in objects:
        if each["kind"] != "Deployment":
            continue
        container = each["spec"]["template"]["spec"]["containers"][0]
        container |= {"image": f"medulla/trainer:{TAG}", "resources": _SMALL}
        if variables := container.get("env"):
            each["spec"]["replicas"] = _WORKERS
            values = _bucket_values(site)
            container["env"] = [variable | values.get(variable["name"], {}) for variable in variables]
    return objects


def _bucket_values(site: Site) -> dict[str, dict[str, str]]:
    """What the template of the job says of the bucket, by variable; its keys are files there."""
    spec = _template(site)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return {variable["name"]: variable for variable in spec["containers"][0]["env"] if "value" in variable}


def _template(site: Site) -> Object:
    return site.namespace.object("cronjob", site.medulla.object_name("trainer"))


@pytest.mark.usefixtures("dask")
def test_the_training_job_gets_the_bundle_of_one_machine_from_the_example(site: Site) -> None:
    digests = [_trained(site, name, args) for name, args in _JOBS.items()]
    assert digests[0] == digests[1]
    assert "Receive client connection" in site.namespace.kubectl("logs", "deployment/dask-scheduler")


def _trained(site: Site, name: str, args: Sequence[str]) -> str:
    """Digest of the bundle of a job that was made from the template, with other arguments."""
    spec = _template(site)["spec"]["jobTemplate"]["spec"]
    spec["template"]["spec"]["containers"][0]["command"] = ["python", *args]
    site.namespace.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec})
    until(f"{name} to end", lambda: _unfinished(site, name), 600)
    log = site.namespace.kubectl("logs", f"job/{name}")
    written = re.search(rf"^{_BUNDLE}/{name}: bundle medulloblastoma-simulated, digest (\w+)$", log, re.MULTILINE)
    assert written, log
    return written[1]


def _unfinished(site: Site, job: str) -> str:
    status: dict[str, Any] = site.namespace.object("job", job)["status"]
    return "" if {"succeeded", "failed"} & status.keys() else json.dumps(status)


@pytest.mark.usefixtures("dask")
def test_an_evaluation_on_the_example_has_the_report_of_one_machine(site: Site) -> None:
    worker = site.namespace.names("pods", app="dask-worker")[0]
    command = ("python", "-c", _EVALUATE, _TABLE, _ON_CLUSTER[1])
    output = site.namespace.kubectl("exec", worker, "--", *command, timeout=600)
    assert output.splitlines()[-1] == "equal", output
