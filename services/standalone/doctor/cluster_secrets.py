"""Checks by kubectl that the secrets which a values file names exist and have their keys."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence

from services.standalone.doctor.findings import Finding
from services.standalone.doctor.values_file import Values, value

Kubectl = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]
_SECRETS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("bucket", "s3.existingSecret", {"s3.accessKeyIdKey": "accessKeyId", "s3.secretAccessKeyKey": "secretAccessKey"}),
    ("kafka", "kafka.existingSecret", {"kafka.usernameKey": "username", "kafka.passwordKey": "password"}),
    ("database", "database.existingSecret", {"database.urlKey": "url"}),
    ("signing key", "bundle.existingSecret", {"bundle.key": "bundle.pem"}),
    ("audit key", "results.audit.existingSecret", {"results.audit.signingKey": "key"}),
    ("route", "results.route.tlsSecret", {"": "tls.crt"}),
)
"""Step, where the values name the secret, and its keys: where the values name them, and their defaults."""
_DEADLINE_S = 30


def kubectl(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run kubectl with the caller's context; without one its exit code is 127."""
    try:
        return subprocess.run(  # noqa: S603 - arguments are names in a values file, and no shell reads them
            ["kubectl", *arguments],  # noqa: S607 - whichever the operator uses
            capture_output=True,
            text=True,
            check=False,
            timeout=_DEADLINE_S,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(list(arguments), 127, "", "there is no kubectl on this machine")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(list(arguments), 124, "", "the cluster does not answer")


def check_secrets(values: Values, namespace: str, run: Kubectl = kubectl) -> Iterator[Finding]:
    """Whether each secret that the values name has its keys; never what they hold."""
    for step, path, keys in _SECRETS:
        name = value(values, path)
        if name:
            wanted = [value(values, where) or default if where else default for where, default in keys.items()]
            yield _check_secret(step, str(name), wanted, namespace, run)


def _check_secret(step: str, name: str, keys: Sequence[str], namespace: str, run: Kubectl) -> Finding:
    done = run(["-n", namespace, "get", "secret", name, "-o", "json", "--ignore-not-found"])
    if done.returncode != 0:
        return Finding.unknown(step, f"kubectl cannot look for secret {name}: {done.stderr.strip()}.")
    if not done.stdout.strip():
        return Finding.missing(step, f"namespace {namespace} has no secret {name}.")
    missing = sorted(set(keys) - set(json.loads(done.stdout).get("data") or {}))
    if missing:
        return Finding.missing(step, f"secret {name} has no key {' and no key '.join(missing)}.")
    return Finding.ok(step, f"secret {name} has {' and '.join(keys)}.")
