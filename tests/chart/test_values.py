"""Wrong values are refused before anything is installed, with the key named."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import SecretStr

from shared.settings import PlatformSettings
from tests.chart_docs import dashboards, values_schema
from tests.chart_docs.variables import annotated
from tests.support.chart.paths import CHART, CI_VALUES
from tests.support.chart.rendering import run, try_template

_LAPTOP = next(path for path in CI_VALUES if path.stem == "laptop")
_AWS = next(path for path in CI_VALUES if path.stem == "aws-sqs")
_GPU = next(path for path in CI_VALUES if path.stem == "gpu")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("tiler.replcas=3", "replcas"),
        ("results.replicas=many", "/results/replicas"),
        ("embedder.triton.mode=tpu", "/embedder/triton/mode"),
        ("kafka.securityProtocol=TLS", "/kafka/securityProtocol"),
        ("kafka.prefix=North.", "/kafka/prefix"),
        ("s3.prefix=north/", "/s3/prefix"),
        ("results.settings.MEDULLA_S3__PREFIX=north", "MEDULLA_S3__PREFIX"),
        ("tiler.settings.MEDULLA_KAFKA__PREFIX=north", "MEDULLA_KAFKA__PREFIX"),
        ("topics.partitions=0", "/topics/partitions"),
        ("topics.overrides.progress.partition=1", "partition"),
        ("autoscaling.kind=vpa", "/autoscaling/kind"),
        ("dev.enabled=yes", "/dev/enabled"),
        ("s3.secretAccessKey=hunter2", "secretAccessKey"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("results.autoscaling.min=0", "/results/autoscaling/min"),
        ("logLevel=LOUD", "/logLevel"),
        ("monitoring.rules.alerts.MedullaDown.for=soon", "MedullaDown/for"),
        ("topics.retentionHours=0", "/topics/retentionHours"),
        ("topics.overrides.progress.retentionHours=0", "/topics/overrides/progress/retentionHours"),
        ("tiler.settings.TILER_CONCURENCY=4", "TILER_CONCURENCY"),
        ("tiler.settings.SCORER_CONCURRENCY=2", "SCORER_CONCURRENCY"),
        ("tiler.nodeSelector.gpu=true", "/tiler/nodeSelector/gpu"),
        ("global.podAnnotations.weight=1", "/global/podAnnotations/weight"),
        ("results.podLabels.weight=1", "/results/podLabels/weight"),
        ("tiler.resources.limit.memory=1Gi", "'limit'"),
        ("s3.endpointUrl=s3.hospital.example", "/s3/endpointUrl"),
        ("auth.issuer=login.hospital.example", "/auth/issuer"),
        ("results.image.digest=abc", "/results/image/digest"),
        ("embedder.triton.sharedMemory=2GB", "/embedder/triton/sharedMemory"),
        ("sweep.schedule=nonsense", "/sweep/schedule"),
        ("fullnameOverride=Foo_Bar", "/fullnameOverride"),
        ("tiler.extraEnv[0].value=nameless", "/tiler/extraEnv/0"),
        ("tiler.extraEnv[0].name=A,tiler.extraEnv[0].value=5", "/tiler/extraEnv/0/value"),
        ("tiler.tolerations[0].kee=bar", "'kee'"),
        ("global.tolerations[0].kee=bar", "'kee'"),
        ("tiler.affinity.foo=bar", "'foo'"),
        ("s3.accessKeyIdKey=", "/s3/accessKeyIdKey"),
        ("results.route.host=https://x", "/results/route/host"),
        ("podDisruptionBudget.maxUnavailable=abc", "/podDisruptionBudget/maxUnavailable"),
        ("podDisruptionBudget.maxUnavailable=-1", "/podDisruptionBudget/maxUnavailable"),
        ("global.labels.team=of many words", "/global/labels/team"),
        ("tiler.settings.TILER_ADDRESS=0.0.0.0:9999", "TILER_ADDRESS"),
        ("results.settings.MEDULLA_AUTH__ISSUER=", "MEDULLA_AUTH__ISSUER"),
        ("tiler=null", "'tiler'"),
        ("tiler.settings=null", "'settings'"),
    ],
)
def test_a_wrong_value_is_refused_by_name(wrong: str, named: str) -> None:
    done = try_template("--values", _LAPTOP, "--set", wrong)
    assert done.returncode != 0
    assert named in done.stderr


@pytest.mark.parametrize(
    ("values", "settings", "sentence"),
    [
        (_GPU, "results.audit.existingSecret=", "the audit record needs signed checkpoints, and it holds their key"),
        (_LAPTOP, "production=true", "dev.enabled brings a single Kafka, S3 and PostgreSQL"),
        (_GPU, "auth.issuer=", "people have to log in"),
        (_GPU, "auth.roles.viewer={north-pathologists}", "auth.roles.operator still has operator"),
        (_GPU, "auth.roles.viewer={viewer,north},auth.roles.operator={leads}", "auth.roles.viewer still has viewer"),
        (_GPU, "auth.roles.viewer=[],auth.roles.operator=[]", "auth.roles.operator are both empty"),
        (_GPU, "bundle.existingSecret=", "model bundles have to be signed"),
        (_GPU, "kafka.bootstrapServers=", "say where Kafka is"),
        (_GPU, "kafka.bootstrapServers=kafka:9092", "which KEDA's operator cannot find"),
        (_GPU, "s3.bucket=", "name the bucket"),
        (_GPU, "database.existingSecret=", "the URL of PostgreSQL"),
        (_GPU, "kafka.existingSecret=", "the secret with user name and password"),
        (_GPU, "topics.strimziCluster=", "name the Kafka object"),
        (_GPU, "results.route.host=", "under which name results is reached"),
        (_GPU, "results.route.parentRefs=[]", "name the Gateway"),
        (_GPU, "kafka.bootstrapServers=kafka.hospital.example", "write the port"),
        (_GPU, "kafka.bootstrapServers=a.example:9092\\,b.example", "names b.example, which is not host:port"),
        (_GPU, "kafka.securityProtocol=PLAINTEXT", "kafka.existingSecret is of no use"),
        (_GPU, "networkPolicy.resultsFrom=[]", "nobody gets through to results.route"),
        (_GPU, "tiler.sqs.url=https://sqs.example/a", "Only one of tiler.sqs.url and fusionScorer.sqs.url"),
        (_AWS, "tiler.sqs.url=https://q,fusionScorer.sqs.url=https://q", "are the same queue"),
        (_GPU, "trainer.existingClaim=", "name the claim"),
        (_GPU, "results.autoscaling.max=1", "results.autoscaling.max is 1 and less than min, which is 2"),
        (_GPU, "global.podLabels.app\\.kubernetes\\.io/part-of=x", "the chart itself finds its pods"),
        (_GPU, "tiler.podLabels.app\\.kubernetes\\.io/part-of=x", "the chart itself finds its pods"),
        (_GPU, "trainer.extraEnv[0].name=MEDULLA_S3", "name that in s3.existingSecret"),
        (_GPU, "monitoring.rules.alerts.MedullaLate.for=1m", "MedullaLate, which is no alert of Medulla"),
        (_GPU, "topics.overrides.slides\\.tild.partitions=2", "is no topic of Medulla"),
        (_GPU, "topics.retentionHours=24", "topics keeps cases.erase for 24 hours"),
        (_GPU, "topics.overrides.dead\\.letters.retentionHours=72", "topics keeps dead.letters for 72 hours"),
        (_GPU, "fullnameOverride=a,nameOverride=b,kafka.bootstrapServers=[fd00::1]", "names [fd00::1], which is not"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(values: Path, settings: str, sentence: str) -> None:
    done = try_template("--values", values, "--set-json" if settings.endswith("=[]") else "--set", settings)
    assert done.returncode != 0
    assert sentence in done.stderr


@pytest.mark.parametrize("nobody", ["auth.roles.viewer=[]", "auth.roles.operator=[]"])
def test_a_role_that_nobody_has_leaves_the_other_its_name(nobody: str) -> None:
    done = try_template("--values", _GPU, "--set-json", nobody)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("component", values_schema.SETTINGS)
def test_no_secret_is_taken_as_a_setting_or_variable(component: str) -> None:
    """As plain text it would stand in the Deployment; and with a key of one's own choice no bundle is refused."""
    models = (PlatformSettings, values_schema.SETTINGS[component])
    secrets = [name for model in models for name, kind in annotated(model) if SecretStr in (kind, *get_args(kind))]
    for name in (*secrets, *(["SCORER_BUNDLE_PUBLIC_KEY"] if component == "fusionScorer" else [])):
        given = (f"{component}.settings.{name}=x", f"{component}.extraEnv[0].name={name.lower()}")
        refusal = try_template("--values", _GPU, *(f"--set={each}" for each in given)).stderr
        assert f"{component}.settings names {name}, which belongs into no values" in refusal
        assert f"{component}.extraEnv names {name.lower()}, which belongs into no values" in refusal


def test_defaults_alone_ask_for_the_three_decisions() -> None:
    refusal = try_template().stderr
    assert all(key in refusal for key in ("kafka.bootstrapServers", "s3.bucket", "database.existingSecret"))


def test_no_password_stands_in_the_values() -> None:
    keys = set(_keys(yaml.safe_load((CHART / "values.yaml").read_text())))
    suspect = {key for key in keys if key.lower().endswith(("password", "secret", "accesskey"))}
    assert suspect == {"existingSecret", "tlsSecret"}, "these two name secrets"


def _keys(values: Any) -> Iterator[str]:
    for key, value in values.items() if isinstance(values, dict) else ():
        yield key
        yield from _keys(value)


def test_the_schema_is_made_of_the_values() -> None:
    assert (CHART / "values.schema.json").read_text() == values_schema.schema(), "run `make chart-docs`"


def test_the_dashboards_are_made_of_their_description() -> None:
    stored = {path.stem: path.read_text() for path in dashboards.FOLDER.glob("*.json")}
    assert stored == dashboards.dashboards(), "run `make chart-docs`"


def test_the_readme_lists_every_value() -> None:
    readme = run("helm-docs", "--chart-search-root", CHART, "--dry-run", "--log-level", "error").stdout
    assert readme.strip() == (CHART / "README.md").read_text().strip(), "run `make chart-docs`"
