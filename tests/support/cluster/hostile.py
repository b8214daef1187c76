"""A tiler on a site that crashes, hangs and swells as the names of slides say."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.replaced import HOSTILE_TILER
from tests.support.checkout import CHECKOUT
from tests.support.cluster.site import Site

_NAME, _FOLDER = "hostile", "/hostile"
_MODULES = ("hostile_tiler.py", "child_readers.py")
_HANGS_S = "10"
"""After so long a reader that hangs is ended, three times over."""


@contextmanager
def hostile_tiler(site: Site) -> Iterator[None]:
    """The release's tiler runs tests.support.hostile_tiler, out of a ConfigMap, while the body does."""
    support = CHECKOUT / "tests" / "support"
    data = {name: (support / name).read_text() for name in _MODULES}
    site.namespace.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": _NAME}, "data": data})
    variables = {"PYTHONPATH": _FOLDER, "TILER_LIMITS__OVERVIEW_S": _HANGS_S}
    values = {
        "extraEnv": [{"name": name, "value": value} for name, value in variables.items()],
        "extraVolumes": [{"name": _NAME, "configMap": {"name": _NAME}}],
        "extraVolumeMounts": [{"name": _NAME, "mountPath": f"{_FOLDER}/tests/support"}],
    }
    try:
        site.medulla.install({"tiler": values})
        _run(site, HOSTILE_TILER)
        yield
    finally:
        _run(site, "services.tiler")
        site.medulla.install()
        site.namespace.attempt("delete", "configmap", _NAME)


def _run(site: Site, module: str) -> None:
    """Have the tiler's pods run a module."""
    deployment = f"deployment/{site.medulla.object_name('tiler')}"
    command = {"op": "replace", "path": "/spec/template/spec/containers/0/command", "value": ["python", "-m", module]}
    site.namespace.kubectl("patch", deployment, "--type", "json", "--patch", json.dumps([command]))
    site.namespace.kubectl("rollout", "status", deployment, "--timeout", "300s", timeout=310)
