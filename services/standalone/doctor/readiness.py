"""Asks results over HTTP whether its database answers and is migrated, so that nobody else needs its password."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request

from pydantic_settings import SettingsConfigDict

from services.standalone.doctor.findings import Finding
from shared.errors import TransientError
from shared.redirects import opener
from shared.settings import HttpUrl, ServiceSettings

_TIMEOUT_S = 10
_MAX_BYTES = 100_000


class DoctorSettings(ServiceSettings):
    """What `medulla doctor` alone needs, e.g. `DOCTOR_RESULTS_URL=http://medulla-results-readiness:8081`."""

    model_config = SettingsConfigDict(env_prefix="DOCTOR_")

    results_url: HttpUrl = ""
    """Where results answers `/readyz`; empty: nobody is asked for its database."""
    further_topics: tuple[str, ...] = ()
    """Topics beyond those of every installation: `embedder-NAME.retry` of a further encoder, `results_fhir.retry`."""
    events_queue: str = ""
    """URL of the tiler's SQS queue where the bucket announces there and not to Kafka."""


def database_of_results(url: str) -> Finding:
    """Whether results finds its database answering, with the newest schema.

    Raises:
        TransientError: no pod of results answers, or it is no results.
    """
    failing = _failing(url)
    if why := failing.get("database"):
        return Finding.missing("database", f"results reports: {why}.")
    return Finding.ok("database", "results reports that it answers and has the newest schema.")


def _failing(url: str) -> Mapping[str, str]:
    """What keeps results from being ready, and why."""
    try:
        failing = json.loads(_body(f"{url}/readyz"))["failing"]
    except (OSError, HTTPException) as error:
        raise TransientError(f"results does not answer at {url}: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise TransientError(f"what answers at {url} is not results") from error
    return {str(name): str(why).rstrip(".") for name, why in failing.items()}


def _body(url: str) -> bytes:
    try:
        with opener().open(Request(url), timeout=_TIMEOUT_S) as response:  # noqa: S310 - the settings checked the scheme
            return bytes(response.read(_MAX_BYTES))
    except HTTPError as error:
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        return error.read(_MAX_BYTES)
