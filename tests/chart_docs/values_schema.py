"""Makes the chart's values.schema.json of the comments in values.yaml and the services' settings: `make chart-docs`."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from services.embedder.settings import EmbedderSettings
from services.fusion_scorer.settings import ScorerSettings
from services.results.settings import ResultsSettings
from services.tiler.settings import TilerSettings
from shared.settings import PlatformSettings, ServiceSettings
from tests.chart_docs.variables import variables
from tests.support.chart.paths import CHART

_MARK = "# @schema "
_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "seq": "array", "map": "object"}
SETTINGS: dict[str, type[ServiceSettings]] = {
    "tiler": TilerSettings,
    "embedder": EmbedderSettings,
    "fusionScorer": ScorerSettings,
    "results": ResultsSettings,
}
_QUANTITIES = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
_TEXT = {"type": "string"}
_LABEL = {**_TEXT, "maxLength": 63, "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"}
_VARIABLE = {"name": {**_TEXT, "minLength": 1}, "value": _TEXT, "valueFrom": {"type": "object"}}
_TOLERATION = {**dict.fromkeys(("key", "operator", "value", "effect"), _TEXT), "tolerationSeconds": {"type": "integer"}}
_AFFINITY = {key: {"type": "object"} for key in ("nodeAffinity", "podAffinity", "podAntiAffinity")}
_FOLLOWED = {
    *("MEDULLA_SECRETS_DIR", "MEDULLA_HTTP_HOST", "MEDULLA_HTTP_PORT", "MEDULLA_AUTH__ISSUER", "MEDULLA_KAFKA__PREFIX"),
    "MEDULLA_S3__PREFIX",
    *("TILER_ADDRESS", "SCORER_GRPC_ADDRESS", "RESULTS_GRPC_ADDRESS", "RESULTS_HTTP_HOST", "RESULTS_HTTP_PORT"),
}
"""Settings that the chart alone may set: probes, Services and policies follow them."""
_HOST_ALIAS = {"ip": _TEXT, "hostnames": {"type": "array", "items": _TEXT, "minItems": 1}}
_CONTAINER = {"type": "object", "required": ["name", "image"], "properties": {"name": _TEXT, "image": _TEXT}}
_STRATEGY = {"type": {"enum": ["RollingUpdate", "Recreate"]}, "rollingUpdate": {"type": "object"}}
_PROBE_NUMBERS = (
    *("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold"),
    "terminationGracePeriodSeconds",
)
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_PROBE = {name: {"type": "integer" if name in _PROBE_NUMBERS else "object"} for name in (*_PROBE_NUMBERS, *_HANDLERS)}
_RESOURCES = {"requests": _QUANTITIES, "limits": _QUANTITIES, "claims": {"type": "array"}}
Schema = dict[str, Any]


def schema() -> str:
    """The schema as text: every key known and typed, with what `# --` says and what `# @schema {…}` adds."""
    text = (CHART / "values.yaml").read_text()
    values = yaml.compose(text, Loader=yaml.SafeLoader)
    root = _of(values, text.splitlines()) if values else {}
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": _definitions()}
    return json.dumps({**head, **root}, indent=1) + "\n"


def _definitions() -> Schema:
    """What values refer to: parts of pods, and of each component the settings that its service knows."""
    known = {component: [*variables(PlatformSettings), *variables(each)] for component, each in SETTINGS.items()}
    text = {"type": ["string", "number", "boolean"]}
    settings = {each: _closed({name: text for name in names if name not in _FOLLOWED}) for each, names in known.items()}
    closed = {name: _closed(each) for name, each in _closed_parts().items()}
    closed["variable"]["required"], closed["hostAlias"]["required"] = ["name"], ["ip", "hostnames"]
    return {"label": _LABEL, "container": _CONTAINER, **closed, **settings}


def _closed_parts() -> dict[str, Schema]:
    probes: Schema = dict.fromkeys(("startup", "liveness", "readiness"), _closed(_PROBE))
    pod: dict[str, Schema] = {
        "resources": _RESOURCES,
        "toleration": _TOLERATION,
        "affinity": _AFFINITY,
        "hostAlias": _HOST_ALIAS,
    }
    return {**pod, "variable": _VARIABLE, "probes": probes, "strategy": _STRATEGY}


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _of(node: yaml.Node, lines: list[str]) -> Schema:
    schema: Schema = {"type": _TYPES[node.tag.rpartition(":")[2]]}
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        schema["additionalProperties"] = False
        schema["properties"] = dict(_properties(node, lines))
        # Null takes a default away; templates need them all but those that may be null.
        schema["required"] = [key.value for key, _ in node.value if not _may_be_null(lines[key.start_mark.line])]
    return schema


def _properties(node: yaml.MappingNode, lines: list[str]) -> Iterator[tuple[str, Schema]]:
    for key, value in node.value:
        line = key.start_mark.line
        described = {"description": text} if (text := _description(lines, line)) else {}
        yield key.value, {**described, **_of(value, lines), **_added(lines[line])}


def _may_be_null(line: str) -> bool:
    return "null" in _added(line).get("type", ())


def _added(line: str) -> Schema:
    _, marker, text = line.partition(_MARK)
    added: Schema = yaml.safe_load(text) if marker else {}
    return added


def _description(lines: list[str], line: int) -> str:
    """The comment above a key, from its `# --` on."""
    words: list[str] = []
    for above in reversed(lines[:line]):
        comment = above.strip()
        if not comment.startswith("#"):
            break
        words.insert(0, comment.removeprefix("# --").removeprefix("#").strip())
        if comment.startswith("# --"):
            return " ".join(words)
    return ""
