"""Makes the Grafana dashboards of the chart from dashboards.yaml: `make chart-docs`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.chart.paths import CHART

FOLDER = CHART / "dashboards"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT = 8, 8


def dashboards() -> dict[str, str]:
    """Name and JSON of each dashboard; the same each time."""
    described = yaml.safe_load(Path(__file__).with_name("dashboards.yaml").read_text())
    return {name: _dashboard(name, page) for name, page in described.items()}


def panels() -> list[dict[str, Any]]:
    """Every panel of the dashboards as the chart holds them."""
    return [panel for path in sorted(FOLDER.glob("*.json")) for panel in json.loads(path.read_text())["panels"]]


def _dashboard(name: str, page: Mapping[str, Any]) -> str:
    dashboard = {
        "uid": f"medulla-{name}",
        "title": page["title"],
        "tags": ["medulla"],
        "editable": False,
        "refresh": "30s",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": _variables()},
        "panels": [_panel(number, panel) for number, panel in enumerate(page["panels"])],
    }
    return json.dumps(dashboard, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _variables() -> list[dict[str, Any]]:
    query = {"query": "label_values(medulla_events_total, namespace)", "refId": "A"}
    return [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
        {
            "name": "namespace",
            "type": "query",
            "label": "Namespace",
            "datasource": _SOURCE,
            "query": query,
            "refresh": 2,
        },
    ]


def _panel(number: int, panel: Mapping[str, Any]) -> dict[str, Any]:
    stacked = {"fillOpacity": 20, "stacking": {"mode": "normal"}}
    custom = stacked if panel.get("stack") else {"fillOpacity": 5}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel["title"],
        "description": panel["about"],
        "datasource": _SOURCE,
        "gridPos": {"x": number % 3 * _WIDTH, "y": number // 3 * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel["unit"], "min": 0, "custom": custom}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": _scoped(expression), "legendFormat": legend}
            for index, (legend, expression) in enumerate(_queries(panel).items())
        ],
    }


def _queries(panel: Mapping[str, Any]) -> dict[str, str]:
    if "queries" in panel:
        return dict(panel["queries"])
    metric, _, label = panel["quantiles"].partition(" by ")
    by = f"le, {label}" if label else "le"
    legend = f" {{{{{label}}}}}" if label else ""
    rate = f"rate({metric}_bucket{{NS}}[$__rate_interval])"
    return {f"p{q * 100:.0f}{legend}": f"histogram_quantile({q}, sum by ({by}) ({rate}))" for q in (0.5, 0.99)}


def _scoped(expression: str) -> str:
    return expression.replace("{NS", '{namespace="$namespace"')
