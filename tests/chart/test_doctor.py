"""What `medulla doctor` knows of the chart is what the chart renders, and its pod has what it asks for."""

from pathlib import Path

import pytest

from services.fusion_scorer.settings import ScorerSettings
from services.standalone.doctor.chart_images import chart_images
from services.standalone.doctor.readiness import DoctorSettings
from services.standalone.doctor.values_file import read_values
from shared.settings import PlatformSettings, load
from tests.support.chart.paths import CI_VALUES
from tests.support.chart.rendering import Manifest, environment, manifests, named, pod_specs, pod_template

_PRODUCTION = [path for path in CI_VALUES if read_values(path).get("production")]
_SECRETS = {"MEDULLA_S3__ACCESS_KEY_ID", "MEDULLA_S3__SECRET_ACCESS_KEY"} | {
    f"MEDULLA_KAFKA__SASL_{name}" for name in ("USERNAME", "PASSWORD")
}


def test_it_looks_for_the_images_that_a_release_runs(values: Path) -> None:
    specs = [spec for _, spec in pod_specs(manifests(values))]
    running = {each["image"] for spec in specs for each in (*spec.get("initContainers", ()), *spec["containers"])}
    named_images = {str(image) for image in chart_images(read_values(values))}
    assert not named_images or named_images == running


def _spec(values: Path) -> Manifest:
    spec: Manifest = pod_template(named(manifests(values), "CronJob", "sweep"))["spec"]
    return spec


@pytest.mark.parametrize("values", _PRODUCTION, ids=lambda path: path.stem)
def test_the_operators_pod_knows_issuer_key_and_results(
    values: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (environment(_spec(values)["containers"][0]) | {"MEDULLA_SECRETS_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    assert load(PlatformSettings).auth.issuer
    assert load(ScorerSettings).bundle_public_key == Path("/etc/medulla/bundle/bundle.pem")
    results = named(manifests(values), "Service", "results-readiness")
    host = f"{results['metadata']['name']}.{results['metadata']['namespace']}.svc"
    assert load(DoctorSettings).results_url == f"http://{host}:{results['spec']['ports'][0]['port']}"
    assert results["spec"]["publishNotReadyAddresses"], "else nobody hears why results is not ready"


def test_it_holds_no_secret_but_those_of_bucket_and_kafka(values: Path) -> None:
    volumes = {volume["name"]: volume for volume in _spec(values)["volumes"]}
    projected = [source["secret"] for source in volumes["secrets"]["projected"]["sources"] if "secret" in source]
    assert {item["path"] for secret in projected for item in secret["items"]} <= _SECRETS
    public = [volume["secret"]["items"] for name, volume in volumes.items() if name in {"bundle", "ca"}]
    assert {item["path"] for items in public for item in items} <= {"bundle.pem", "ca.crt"}
