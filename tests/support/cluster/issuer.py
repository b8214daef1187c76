"""An OpenID issuer in a site's namespace: a web server there gives out its documents, its tokens are signed here."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.cluster.images import TAG
from tests.support.cluster.kubernetes import Object, unready, until
from tests.support.cluster.site import Site
from tests.support.cluster.strangers import pod
from tests.support.oidc_issuer import OidcIssuer

LABEL = {"app.kubernetes.io/name": "issuer"}
"""What network policies may know it by."""
_NAME, _PORT = "issuer", 8080
_FOLDER = "/documents"
_PATHS = {"discovery": ".well-known/openid-configuration", "keys": "jwks"}
"""Where each document is, below the address of the issuer."""
_LIFETIME_S = 3600


@contextmanager
def running(site: Site) -> Iterator[OidcIssuer]:
    """Issuer of tokens that the services of the site can check while the body runs; nobody can log in with it."""
    _remove(site)
    with OidcIssuer() as issuer:
        issuer.url = f"http://{_NAME}.{site.namespace.name}.svc:{_PORT}"
        issuer.lifetime_s = _LIFETIME_S
        site.namespace.apply(_documents(issuer), _service(), _pod())
        try:
            until("the issuer to run", lambda: unready(site.namespace.object("pod", _NAME)), 120)
            yield issuer
        finally:
            _remove(site)


def _remove(site: Site) -> None:
    site.namespace.attempt("delete", "pod,configmap,service", _NAME, "--ignore-not-found", "--wait")


def _documents(issuer: OidcIssuer) -> Object:
    keys = {"keys": [key.public_jwk() for key in issuer.keys]}
    data = {"discovery": json.dumps(issuer.discovery()), "keys": json.dumps(keys)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": _NAME}, "data": data}


def _service() -> Object:
    spec = {"selector": LABEL, "ports": [{"port": _PORT}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": _NAME}, "spec": spec}


def _pod() -> Object:
    issuer_pod = pod(_NAME, f"medulla/results:{TAG}")
    issuer_pod["metadata"]["labels"] = LABEL
    items = [{"key": key, "path": path} for key, path in _PATHS.items()]
    issuer_pod["spec"]["volumes"] = [{"name": "documents", "configMap": {"name": _NAME, "items": items}}]
    issuer_pod["spec"]["containers"][0] |= {
        "command": ["python", "-m", "http.server", str(_PORT), "--directory", _FOLDER],
        "volumeMounts": [{"name": "documents", "mountPath": _FOLDER}],
        "readinessProbe": {"httpGet": {"path": f"/{_PATHS['keys']}", "port": _PORT}, "periodSeconds": 2},
    }
    return issuer_pod
