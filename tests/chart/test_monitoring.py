"""Rules and dashboards: their language is right, their names exist, alerts fire when they should."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import metrics as kinds

from shared import metrics
from tests.chart_docs.dashboards import FOLDER, panels
from tests.support.chart.paths import CHART, CI_VALUES
from tests.support.chart.rendering import WITH_OPERATORS, manifests, named, run
from tests.support.cluster.scraping import configuration

_RULE_TESTS = sorted(Path(__file__).parent.glob("rules*_test.yaml"))
_AIRGAPPED = next(path for path in CI_VALUES if path.stem == "airgapped")
_GPU = next(path for path in CI_VALUES if path.stem == "gpu")
_OTHERS = {
    *("up", "kube_pod_container_status_restarts_total", "certmanager_certificate_expiration_timestamp_seconds"),
    *("kube_cronjob_status_last_successful_time", "kube_cronjob_created"),
    *("kube_deployment_spec_replicas", "kube_deployment_status_replicas_available"),
    *("nv_inference_queue_duration_us", "nv_inference_request_success", "nv_inference_request_failure"),
    *("nv_inference_count", "nv_inference_exec_count", "nv_gpu_utilization"),
    *("nv_gpu_memory_used_bytes", "nv_gpu_memory_total_bytes"),
}
"""Names of Prometheus, kube-state-metrics, cert-manager and Triton that we use."""
_UNITS = {"s", "short", "ops", "reqps", "percentunit"}
"""Those of Grafana's units that we use."""
_NAME = re.compile(r"\b((?:medulla|nv|kube|certmanager)_\w+|up)\b")
_LABELS = re.compile(r"(?:by|on) \(([^)]*)\)")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered rules, as Prometheus reads them."""
    text = named(manifests(_AIRGAPPED), "ConfigMap", "rules")["data"]["medulla.rules.yaml"]
    path = tmp_path_factory.mktemp("rules") / "medulla.rules.yaml"
    path.write_text(text)
    return path


def test_the_rules_are_in_promtools_language(rules: Path) -> None:
    done = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", rules)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("cases", _RULE_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_else(rules: Path, cases: Path) -> None:
    tests = rules.with_name(cases.name)
    tests.write_text(cases.read_text())
    done = run("promtool", "test", "rules", tests)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_explained(rules: Path) -> None:
    tested = {
        case["alertname"]
        for path in _RULE_TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test.get("alert_rule_test", ())
        if case.get("exp_alerts")
    }
    headings = re.findall(r"^## (\w+)$", (CHART / "RUNBOOK.md").read_text(), re.MULTILINE)
    alerts = [rule for rule in _rules(rules) if "alert" in rule]
    assert {alert["alert"] for alert in alerts} == tested == set(headings)
    for alert in alerts:
        assert alert["annotations"]["runbook_url"].endswith(f"RUNBOOK.md#{alert['alert'].lower()}")
        assert alert["annotations"]["summary"]
        assert alert["labels"]["severity"] in {"warning", "critical"}


def _rules(path: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def test_every_name_in_rules_and_dashboards_exists(rules: Path) -> None:
    recorded = {rule["record"] for rule in _rules(rules) if "record" in rule}
    expressions = [rule["expr"] for rule in _rules(rules)] + [target["expr"] for target in _targets()]
    used = {name for text in expressions for name in _names(text)}
    assert used - _ours() - _OTHERS == set()
    aggregated = {name for text in expressions for name in re.findall(r"\bmedulla:\w+:\w+", text)}
    assert aggregated <= recorded


def _names(expression: str) -> set[str]:
    bare = re.sub(r'"[^"]*"', '""', re.sub(r"medulla:[\w:]+", "", expression))
    return set(_NAME.findall(bare))


def _ours() -> set[str]:
    declared = [value for value in vars(metrics).values() if isinstance(value, kinds.MetricWrapperBase)]
    names = {(metric.name, metric.type) for each in declared for metric in each.describe()}
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    return {name + suffix for name, kind in names for suffix in suffixes[kind]}


def test_every_label_in_rules_and_dashboards_exists(rules: Path) -> None:
    labels = {label for each in vars(metrics).values() for label in getattr(each, "_labelnames", ())}
    outside = {"namespace", "pod", "le", "model", "container", "deployment"}
    expressions = [rule["expr"] for rule in _rules(rules)] + [target["expr"] for target in _targets()]
    used = {label.strip() for text in expressions for names in _LABELS.findall(text) for label in names.split(",")}
    assert used <= labels | outside


def _targets() -> list[dict[str, Any]]:
    return [target for panel in panels() for target in panel["targets"]]


def test_dashboards_come_with_the_label_that_grafana_looks_for() -> None:
    dashboards = [each for each in manifests(_AIRGAPPED) if "grafana_dashboard" in each["metadata"].get("labels", {})]
    assert len(dashboards) == len(list(FOLDER.glob("*.json")))


def test_the_runbook_says_of_each_alert_what_to_run_how_to_repair_and_whom_to_wake() -> None:
    alerts, _, _ = (CHART / "RUNBOOK.md").read_text().partition("\n# Upgrades")
    for entry in alerts.split("\n## ")[1:]:
        steps = re.findall(r"^- \*\*(.+):\*\*", entry, re.MULTILINE)
        assert steps == ["First", "Repair", "Wake someone"], entry


def test_dashboards_follow_grafanas_conventions_and_every_panel_says_what_is_good() -> None:
    pages = [json.loads(path.read_text()) for path in FOLDER.glob("*.json")]
    assert len({page["uid"] for page in pages}) == len({page["title"] for page in pages}) == len(pages)
    for page in pages:
        assert [each["name"] for each in page["templating"]["list"]] == ["datasource", "namespace"]
        panels = page["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
        for panel in panels:
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
            assert ": good " in panel["title"]
            assert panel["description"].endswith(".")
            assert panel["fieldConfig"]["defaults"]["unit"] in _UNITS
            _check_targets(panel["targets"])


def _check_targets(targets: list[dict[str, Any]]) -> None:
    assert targets
    assert len({target["refId"] for target in targets}) == len(targets)
    for target in targets:
        assert target["datasource"]["uid"] == "${datasource}"
        assert target["legendFormat"]
        assert 'namespace="$namespace"' in target["expr"]


def test_an_alert_can_be_changed_or_taken_away_by_values() -> None:
    slower = ("--set", "monitoring.rules.alerts.MedullaDown.for=30m")
    paged = ("--set", "monitoring.rules.alerts.MedullaDown.labels.severity=page")
    none = tuple(
        f"--set=monitoring.rules.alerts.{name}.enabled=false" for name in ("MedullaDrift", "MedullaBudgetLoss")
    )
    rules = named(manifests(_AIRGAPPED, *slower, *paged, *none), "ConfigMap", "rules")["data"]["medulla.rules.yaml"]
    alerts = {rule.get("alert"): rule for group in yaml.safe_load(rules)["groups"] for rule in group["rules"]}
    assert alerts.keys() & {"MedullaDrift", "MedullaBudgetLoss"} == set()
    assert (alerts["MedullaDown"]["for"], alerts["MedullaDown"]["labels"]["severity"]) == ("30m", "page")


def test_prometheus_takes_what_finds_pods_by_annotation_and_by_pod_monitor(tmp_path: Path) -> None:
    monitor = named(manifests(_GPU, *WITH_OPERATORS), "PodMonitor", "services")
    config = tmp_path / "prometheus.yaml"
    pods = tmp_path / "pods.json"
    pods.write_text("[]")
    config.write_text(yaml.safe_dump(configuration(monitor, 5, str(tmp_path / "*.rules.yaml"), str(pods))))
    done = run("promtool", "check", "config", config)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_silence_of_a_service_that_may_scale_to_zero_counts_only_while_a_slide_waits() -> None:
    idle = ("--set", "tiler.autoscaling.min=0", *WITH_OPERATORS)
    spec = named(manifests(_GPU, *idle), "PrometheusRule", "rules")["spec"]
    silent = [
        rule for group in spec["groups"] for rule in group["rules"] if rule.get("alert") == "MedullaServiceSilent"
    ]
    waits = {rule["labels"]["service"]: "oldest_waiting_slide_seconds" in rule["expr"] for rule in silent}
    assert (waits["tiler"], waits["results"]) == (True, False)


def test_the_objective_of_quick_requests_asks_for_routes_that_exist(rules: Path) -> None:
    (expression, *_) = [rule["expr"] for rule in _rules(rules) if rule.get("labels", {}).get("slo") == "api_time"]
    quick = re.compile(re.findall(r'route=~"([^"]+)"', expression)[0])
    table = (CHART.parents[1] / "services/results/README.md").read_text()
    documented = {path.partition("?")[0] for path in re.findall(r"^\| `(/[^`]+)`", table, re.MULTILINE)}
    matched = {path for path in documented if quick.fullmatch(f"/api/v1{path}")}
    assert {"/cases", "/cases/{case}", "/cases/{case}/scores", "/case-counts"} <= matched
    assert not any(word in path for path in matched for word in ("progress", "what-if", "report", "csv"))
