"""What the chart says agrees with what the programs read."""

from pathlib import Path

import pytest

from services.tiler.settings import TilerSettings
from shared.bus import topics
from shared.bus.kafka_names import from_broker, of_installation
from shared.bus.port import LARGEST_BYTES
from shared.settings import KafkaSettings, PlatformSettings, load
from tests.chart_docs import values_schema
from tests.stack.services import GROUPS, SERVICES
from tests.support.chart.paths import CI_VALUES
from tests.support.chart.rendering import (
    WITH_OPERATORS,
    Manifest,
    environment,
    manifests,
    named,
    pod_specs,
    pod_template,
)
from tests.support.checkout import CHECKOUT
from tests.support.cluster.memory import bytes_of
from tests.support.cluster.release import VALUES_OF

_GPU = next(path for path in CI_VALUES if path.stem == "gpu")
_AIRGAPPED = next(path for path in CI_VALUES if path.stem == "airgapped")
_AWS = next(path for path in CI_VALUES if path.stem == "aws-sqs")
_SERVICE_MB = 512
"""What the tiler itself takes."""
_SETTINGS = {component: values_schema.SETTINGS[values] for component, values in VALUES_OF.items()}


@pytest.mark.parametrize("component", _SETTINGS)
def test_a_service_understands_every_variable_it_gets(
    component: str, values: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "RESULTS_DATABASE_URL").write_text("postgresql://medulla@db/medulla")
    given = environment(_container(values, component)) | {"MEDULLA_SECRETS_DIR": str(tmp_path)}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    load(PlatformSettings)
    load(_SETTINGS[component])
    prefixes = ("MEDULLA_", str(_SETTINGS[component].model_config["env_prefix"]))
    foreign = {name for name in given if not name.startswith((*prefixes, "PYTHON", "SSL_", "AWS_"))}
    assert foreign == set()


def _container(values: Path, component: str) -> Manifest:
    container: Manifest = named(manifests(values), "Deployment", component)["spec"]["template"]["spec"]["containers"][0]
    return container


def test_the_tiler_has_memory_for_as_many_hostile_slides_as_it_plans_at_once(
    values: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the container's limit the kernel would end the container, not the process of one slide."""
    container = _container(values, "tiler")
    for name, value in (environment(container) | {"MEDULLA_SECRETS_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    settings = load(TilerSettings)
    needed = _SERVICE_MB + settings.concurrency * settings.limits.memory_mb
    assert bytes_of(container["resources"]["limits"]["memory"]) >= needed * 2**20


@pytest.mark.parametrize("component", _SETTINGS)
def test_a_deployment_runs_a_module_that_is_there(component: str) -> None:
    program, option, module = _container(_GPU, component)["command"]
    assert (program, option) == ("python", "-m")
    assert (CHECKOUT / module.replace(".", "/") / "__main__.py").is_file()


def test_every_topic_is_made_and_no_other() -> None:
    created = {each["spec"]["topicName"]: each["spec"] for each in manifests(_GPU) if each["kind"] == "KafkaTopic"}
    retries = {topics.retry_topic(group) for group in SERVICES}
    assert set(created) == {*topics.ALL, *retries}
    assert created[topics.DEAD_LETTERS]["config"]["retention.ms"] == "-1"
    roomy = {name for name, spec in created.items() if spec["config"].get("max.message.bytes") == str(LARGEST_BYTES)}
    assert roomy == {topics.DEAD_LETTERS, *retries}
    assert created[topics.SLIDES_TILED]["partitions"] == 24


def test_a_fhir_server_adds_the_topic_for_the_retries_of_its_consumer_group() -> None:
    rendered = manifests(_GPU, "--set=results.fhir.url=https://fhir.example/r4")
    created = {each["spec"]["topicName"] for each in rendered if each["kind"] == "KafkaTopic"}
    assert created == {*topics.ALL, *map(topics.retry_topic, GROUPS)}


def test_a_prefix_of_the_installation_begins_every_topic_in_the_manifests() -> None:
    rendered = manifests(_GPU, "--set=kafka.prefix=north")
    created = [each["spec"]["topicName"] for each in rendered if each["kind"] == "KafkaTopic"]
    settings = KafkaSettings(prefix="north")
    assert {from_broker(settings, name) for name in created if of_installation(settings, name)} == {
        *topics.ALL,
        *map(topics.retry_topic, SERVICES),
    }
    assert all(name.startswith("north.") for name in created)


def test_keda_watches_topics_and_groups_that_exist() -> None:
    watched = [
        trigger["metadata"]
        for each in manifests(_AWS, *WITH_OPERATORS)
        if each["kind"] == "ScaledObject"
        for trigger in each["spec"]["triggers"]
        if trigger["type"] == "kafka"
    ]
    assert {trigger["consumerGroup"] for trigger in watched} == set(SERVICES)
    retries = {topics.retry_topic(group) for group in SERVICES}
    assert {trigger["topic"] for trigger in watched} <= {*topics.ALL, *retries}
    assert {trigger["offsetResetPolicy"] for trigger in watched} == {"earliest"}
    assert {trigger["scaleToZeroOnInvalidOffset"] for trigger in watched} == {"false"}
    assert {trigger["bootstrapServers"] for trigger in watched} == {"b-1.msk.example:9096,b-2.msk.example:9096"}


def test_no_container_has_a_variable_twice(values: Path) -> None:
    """The later of two would win, and an upgrade that leaves it out would remove both."""
    added = tuple(f"--set={prefix}extraEnv[0].name=MEDULLA_LOG_LEVEL" for prefix in ("global.", "tiler."))
    for given in ((), ("--set=tiler.settings.MEDULLA_LOG_LEVEL=DEBUG", *added)):
        for component, spec in pod_specs(manifests(values, *WITH_OPERATORS, *given)):
            for container in (*spec.get("initContainers", ()), *spec["containers"]):
                names = [each["name"] for each in container.get("env", ())]
                assert len(names) == len(set(names)), component


def test_every_pod_has_the_account_labels_and_annotations_that_all_are_given(values: Path) -> None:
    account = ("serviceAccount.create=false", "serviceAccount.name=med", "serviceAccount.podLabels.cloud=yes")
    given = (*account, "global.podLabels.mine=a", "global.podAnnotations.note=b")
    created = [each for each in manifests(values, *(f"--set={each}" for each in given)) if list(pod_specs([each]))]
    for each in created:
        metadata, spec = pod_template(each)["metadata"], pod_template(each)["spec"]
        assert {"cloud": "yes", "mine": "a"}.items() <= metadata["labels"].items(), each["metadata"]["name"]
        assert metadata["annotations"]["note"] == "b", each["metadata"]["name"]
        assert spec.get("serviceAccountName") == "med" or each["kind"] == "StatefulSet", each["metadata"]["name"]


def test_what_is_said_to_come_by_digest_does() -> None:
    images = [
        container["image"]
        for _, spec in pod_specs(manifests(_AIRGAPPED))
        for container in (*spec.get("initContainers", ()), *spec["containers"])
    ]
    assert [image for image in images if "@sha256:" not in image] == []


def test_no_mount_keeps_a_renewed_secret_from_changing_in_place() -> None:
    """Kubernetes never renews a mount with a subPath."""
    containers = [each for _, spec in pod_specs(manifests(_GPU)) for each in spec["containers"]]
    assert [each["name"] for each in containers for mount in each["volumeMounts"] if "subPath" in mount] == []


def test_no_pod_may_do_what_restricted_forbids(values: Path) -> None:
    for component, spec in pod_specs(manifests(values)):
        assert spec["securityContext"]["runAsNonRoot"], component
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            security = container["securityContext"]
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert security["readOnlyRootFilesystem"]
            assert security["allowPrivilegeEscalation"] is False


def test_a_pod_may_take_longer_to_end_than_the_program_to_drain(values: Path) -> None:
    for component in _SETTINGS:
        spec = named(manifests(values), "Deployment", component)["spec"]["template"]["spec"]
        drain = float(environment(spec["containers"][0])["MEDULLA_DRAIN_TIMEOUT_S"])
        assert spec["terminationGracePeriodSeconds"] > drain + 5


def test_every_pod_has_its_network_policy(values: Path) -> None:
    objects = manifests(values)
    allowed = {
        each["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component")
        for each in objects
        if each["kind"] == "NetworkPolicy"
    }
    assert {component for component, _ in pod_specs(objects)} <= allowed
