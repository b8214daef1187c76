"""Asks a registry (OCI distribution) for the manifests of images, with what `docker login` stored where it has to."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request

from services.standalone.doctor.chart_images import Image
from services.standalone.doctor.findings import Finding, State
from shared.redirects import opener

_STEP = "registry"
_TIMEOUT_S = 10
_MAX_BYTES = 1_000_000
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
)
_LOCAL = ("localhost", "127.0.0.1")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
Credentials = Callable[[str], str]
"""`user:password` in Base64 for a registry's host; empty where there is none."""


def check_images(images: Iterable[Image], credentials: Credentials | None = None) -> Iterator[Finding]:
    """A finding for each image that is not there or cannot be looked for; one for all where every one is there."""
    findings = [_check(image, credentials or docker_login) for image in images]
    yield from (finding for finding in findings if finding.state is not State.OK)
    if findings and all(finding.state is State.OK for finding in findings):
        yield Finding.ok(_STEP, f"it has each of {len(findings)} images.")


def docker_login(registry: str) -> str:
    """What `docker login` stored for a registry in its file; helpers of credentials are not asked."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        stored = json.loads((folder / "config.json").read_bytes())["auths"][registry]["auth"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(stored)


def _check(image: Image, credentials: Credentials) -> Finding:
    try:
        status = _status(image, credentials(image.registry))
    except (OSError, HTTPException, ValueError) as error:
        return Finding.unknown(_STEP, f"{image.registry} cannot be asked for {image} from here: {error}.")
    if status == HTTPStatus.OK:
        return Finding.ok(_STEP, f"it has {image}.")
    if status == HTTPStatus.NOT_FOUND:
        return Finding.missing(_STEP, f"{image} is not there: build and push it.")
    if status in _REFUSED:
        sentence = f"{image.registry} requires a login for {image}: run `docker login {image.registry}`."
        return Finding.unknown(_STEP, sentence)
    return Finding.unknown(_STEP, f"{image.registry} answers {status} when asked for {image}.")


def _status(image: Image, login: str) -> int:
    """What the registry answers when asked for a manifest, logged in as it wants where that is possible."""
    scheme = "http" if image.registry.partition(":")[0] in _LOCAL else "https"
    url = f"{scheme}://{image.registry}/v2/{image.repository}/manifests/{image.reference}"
    status, challenge = _head(url, "")
    if status != HTTPStatus.UNAUTHORIZED:
        return status
    authorization = _authorization(challenge, login)
    return _head(url, authorization)[0] if authorization else status


def _head(url: str, authorization: str) -> tuple[int, str]:
    """Status, and how to log in."""
    headers = {"Accept": _MANIFESTS, **({"Authorization": authorization} if authorization else {})}
    try:
        with opener().open(Request(url, headers=headers, method="HEAD"), timeout=_TIMEOUT_S) as response:  # noqa: S310 - http or https
            return int(response.status), ""
    except HTTPError as error:
        return error.code, error.headers.get("WWW-Authenticate", "")


def _authorization(challenge: str, login: str) -> str:
    """The header that answers a challenge (RFC 6750, RFC 7617); empty where no login is stored that it asks for."""
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() == "bearer":
        return f"Bearer {_token(dict(_PARAMETER.findall(rest)), login)}"
    return f"Basic {login}" if scheme.lower() == "basic" and login else ""


def _token(challenge: Mapping[str, str], login: str) -> str:
    realm = challenge.get("realm", "")
    address = urlsplit(realm)
    if address.scheme != "https" and (address.scheme, address.hostname) not in {("http", host) for host in _LOCAL}:
        raise ValueError("its token address is not HTTPS")
    query = urlencode({name: challenge[name] for name in ("service", "scope") if name in challenge})
    request = Request(f"{realm}?{query}", headers={"Authorization": f"Basic {login}"} if login else {})  # noqa: S310 - checked above
    try:
        with opener().open(request, timeout=_TIMEOUT_S) as response:
            answer = json.loads(response.read(_MAX_BYTES))
    except HTTPError as error:
        if error.code in _REFUSED:
            return ""
        raise
    return str(answer.get("token") or answer.get("access_token", "")) if isinstance(answer, dict) else ""
