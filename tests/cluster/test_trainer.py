"""The chart's training job: a SIMULATED cohort with slides becomes a bundle, signed with the key of a secret."""

import json
import re
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.cluster import strangers
from tests.support.cluster.images import IMAGES, TAG, WITH_TRAINER
from tests.support.cluster.kubernetes import until
from tests.support.cluster.site import Site, secret

pytestmark = pytest.mark.skipif("trainer" not in IMAGES, reason=f"torch takes 5 GB; {WITH_TRAINER}=1 builds it as well")
_CLAIM, _JOB, _KEY = "training", "training", "signing-key"
_SIMULATE = """
import pathlib
from services.trainer.simulation.simulate import SimulationPlan, simulate
simulate(SimulationPlan(patients=150, tiles=20, width=16), pathlib.Path("/workspace"), lambda done, total: None)
"""
_FOLDERS = ("--cohort", "/workspace/cohort.csv", "--embeddings", "/workspace/embeddings", "--out", "/workspace/bundle")
_TRAINER = {
    "enabled": True,
    "existingClaim": _CLAIM,
    "signingKey": {"existingSecret": _KEY},
    "args": ["-m", "services.trainer", *_FOLDERS, "--refits", "4"],
    "resources": {"requests": {"cpu": "50m", "memory": "512Mi"}, "limits": {"memory": "4Gi"}},
}


@pytest.fixture
def key(site: Site) -> Iterator[Ed25519PrivateKey]:
    """A claim with a SIMULATED cohort, and a release that trains on it and signs with this key."""
    private_key = Ed25519PrivateKey.generate()
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    site.namespace.apply(secret(_KEY, **{"key.pem": pem}))
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    site.namespace.apply(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": _CLAIM}, "spec": spec}
    )
    with strangers.running(site.namespace, f"medulla/trainer:{TAG}", _CLAIM) as pod:
        site.namespace.exec(pod, "python", "-c", _SIMULATE)
    site.medulla.install({"trainer": _TRAINER})
    yield private_key
    site.namespace.attempt("delete", "job", _JOB, "--wait")
    site.medulla.install()
    site.namespace.attempt("delete", "persistentvolumeclaim", _CLAIM, "--wait")
    site.namespace.attempt("delete", "secret", _KEY)


def test_a_job_made_from_the_template_trains_a_bundle_on_slides_and_signs_it(
    site: Site, key: Ed25519PrivateKey
) -> None:
    site.namespace.kubectl("create", "job", _JOB, f"--from=cronjob/{site.medulla.object_name('trainer')}")
    until("the job to end", lambda: _unfinished(site), 900)
    log = site.namespace.kubectl("logs", f"job/{_JOB}")
    written = re.search(r"^/workspace/bundle: bundle medulloblastoma-simulated, digest (\w+)$", log, re.MULTILINE)
    assert written, log
    with strangers.running(site.namespace, f"medulla/standalone:{TAG}", _CLAIM) as pod:
        shown = json.loads(site.namespace.exec(pod, "medulla", "bundle", "show", "/workspace/bundle", "--json"))
        signature, manifest = (
            site.namespace.exec(pod, "cat", f"/workspace/bundle/{name}") for name in ("signature", "bundle.json")
        )
    key.public_key().verify(bytes.fromhex(signature.strip()), manifest.encode())
    assert shown["digest"] == written[1]
    assert "mil.onnx" in shown["files"], "the slides' model"


def _unfinished(site: Site) -> str:
    status = site.namespace.object("job", _JOB)["status"]
    return "" if {"succeeded", "failed"} & status.keys() else json.dumps(status)
