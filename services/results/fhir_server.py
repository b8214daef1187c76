"""A FHIR R4 server over HTTP, on which each case has one document Bundle."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from pydantic import Field, SecretStr

from services.results.errors import FhirServerDownError, RefusedByFhirServerError
from shared.errors import MedullaError
from shared.redirects import opener
from shared.settings import HttpUrl, Section

_MEDIA_TYPE = "application/fhir+json"
_MAX_BYTES = 8_000_000
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_LATER = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""Refusals that another attempt may change: the server is busy, or somebody else just wrote the document."""

Resource = Mapping[str, Any]
"""A FHIR resource as JSON."""


class FhirSettings(Section):
    """A FHIR R4 server that receives the document of each case."""

    url: HttpUrl = Field(min_length=1)
    """Base of its API, such as https://fhir.hospital.example/fhir."""
    token: SecretStr | None = None
    """Bearer token; None: the server takes requests without one."""
    ca: Path | None = None
    """PEM file of the authorities that it trusts; None: those of the operating system, or of SSL_CERT_FILE."""
    timeout_s: float = Field(default=10, gt=0)
    """Deadline of one request."""


class FhirServer:
    """Reads, writes and deletes Bundles under ids that we choose; raises MedullaError without a readable CA file.

    `renew` gives the settings whose token each request bears.
    """

    def __init__(self, settings: FhirSettings, renew: Callable[[], FhirSettings] | None = None) -> None:
        self._settings = settings
        self._renew = renew or (lambda: settings)
        _check(settings.ca)

    def bundle(self, bundle_id: str) -> Resource | None:
        """The Bundle of an id; None where there is none.

        Raises:
            FhirServerDownError: the server does not answer, or not now.
            RefusedByFhirServerError: it refuses the request for good.
        """
        data = self._call("GET", bundle_id)
        return None if data is None else _object(data)

    def put(self, bundle_id: str, document: bytes) -> None:
        """Create the Bundle, or make it the newest version of it; errors as for `bundle`."""
        if self._call("PUT", bundle_id, document) is None:
            raise RefusedByFhirServerError(
                "the FHIR server does not know the address of a Bundle: its URL is wrong, or it has no Bundles under "
                "ids that its clients choose"
            )

    def delete(self, bundle_id: str) -> None:
        """Delete the Bundle, if there is one; errors as for `bundle`."""
        self._call("DELETE", bundle_id)

    def _call(self, method: str, bundle_id: str, body: bytes | None = None) -> bytes | None:
        """The body of the answer; None where the server has no such Bundle."""
        request = self._request(method, bundle_id, body)
        try:
            with opener(self._settings.ca).open(request, timeout=self._settings.timeout_s) as response:
                return bytes(response.read(_MAX_BYTES))
        except HTTPError as error:
            if error.code in _GONE:
                return None
            raise _refusal(method, error) from error
        except (OSError, HTTPException) as error:
            raise FhirServerDownError(f"the FHIR server does not answer: {type(error).__name__}") from error

    def _request(self, method: str, bundle_id: str, body: bytes | None) -> Request:
        headers = {"Accept": _MEDIA_TYPE, "Content-Type": _MEDIA_TYPE}
        if token := self._renew().token:
            headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        url = f"{self._settings.url}/Bundle/{bundle_id}"
        return Request(url, body, headers, method=method)  # noqa: S310 - FhirSettings checked the scheme


def _check(ca: Path | None) -> None:
    try:
        opener(ca)
    except OSError as error:
        raise MedullaError(
            f"the CA file {ca} of the FHIR server cannot be read: {error.strerror or error}; correct RESULTS_FHIR__CA"
        ) from error


def _refusal(method: str, error: HTTPError) -> FhirServerDownError | RefusedByFhirServerError:
    """The error of a status code; only that for a dead letter repeats what the server says."""
    if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code in _LATER:
        return FhirServerDownError(f"the FHIR server answers {method} with {error.code}")
    return RefusedByFhirServerError(f"the FHIR server answers {method} with {error.code}{_diagnostics(error)}")


def _diagnostics(error: HTTPError) -> str:
    """What the OperationOutcome of an answer says; empty without one."""
    try:
        issues = _object(error.read(_MAX_BYTES)).get("issue", ())
        texts = [str(issue.get("diagnostics") or issue["details"]["text"]) for issue in issues]
    except (OSError, HTTPException, RefusedByFhirServerError, AttributeError, KeyError, TypeError):
        return ""
    return f": {' '.join(' '.join(texts).split())}" if texts else ""


def _object(data: bytes) -> Resource:
    try:
        resource = json.loads(data)
    except (ValueError, RecursionError):
        resource = None
    if not isinstance(resource, dict):
        raise RefusedByFhirServerError("the FHIR server answers with something else than a resource in JSON")
    return resource
