"""Checks the decisions in a chart's values file, without a cluster."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from services.standalone.doctor.findings import Finding
from shared.errors import MedullaError

Values = dict[str, Any]
"""A values file as it was read; what it leaves out has the chart's default."""


class BadValuesError(MedullaError):
    """The file is no values file."""


def read_values(path: Path) -> Values:
    """Read a values file.

    Raises:
        BadValuesError: it is no YAML, or no mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadValuesError(f"{path} is no YAML") from error
    if not isinstance(values, dict):
        raise BadValuesError(f"{path} is no mapping of values")
    return values


def value(values: Values, path: str) -> Any:
    """The value at a dotted path; empty text where the file has none."""
    node: Any = values
    for name in path.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    return "" if node is None else node


_NEEDED = (
    ("registry", "global.imageRegistry", "name the registry that you pushed the images to"),
    ("bucket", "s3.bucket", "name the bucket that holds slides and everything derived from them"),
    ("kafka", "kafka.bootstrapServers", "name Kafka's brokers as host:port"),
    ("database", "database.existingSecret", "name the secret with the URL of PostgreSQL"),
    ("issuer", "auth.issuer", "name the OpenID issuer at which people log in"),
    ("signing key", "bundle.existingSecret", "name the secret with the public key that bundles are signed with"),
    ("audit key", "results.audit.existingSecret", "name the secret with the key of the audit record's checkpoints"),
    ("route", "results.route.host", "name the host under which people reach the page"),
)
"""Step, path and what to do, in the order of the chart's README."""


_BROUGHT_BY_DEV = frozenset({"bucket", "kafka", "database"})
_OF_PRODUCTION = frozenset({"registry", "issuer", "signing key", "audit key", "route"})
"""Steps without which a release of this machine runs."""


def check_values(values: Values) -> Iterator[Finding]:
    """Whether each decision was made."""
    for step, path, advice in _NEEDED:
        if chosen := value(values, path):
            yield Finding.ok(step, f"{path} is {chosen}.")
        elif step in _BROUGHT_BY_DEV and value(values, "dev.enabled"):
            yield Finding.ok(step, "dev.enabled brings one, for looking around.")
        elif step in _OF_PRODUCTION and not value(values, "production"):
            yield Finding.unknown(step, f"{path} is empty, which is for looking around only: {advice}.")
        else:
            yield Finding.missing(step, f"{path} is empty: {advice}.")
    yield from _check_route(values)


def _check_route(values: Values) -> Iterator[Finding]:
    if value(values, "results.route.host"):
        if not value(values, "results.route.tlsSecret") and value(values, "results.route.kind") == "ingress":
            yield Finding.missing("route", "results.route.tlsSecret is empty: browsers log in over HTTPS only.")
        if not value(values, "networkPolicy.resultsFrom"):
            yield Finding.missing(
                "route", "networkPolicy.resultsFrom is empty: the policy blocks the route's controller."
            )
