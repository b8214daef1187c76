"""Asks for the page under the name by which people reach it: name, certificate and answer."""

import json
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import Request

from services.standalone.doctor.findings import Finding
from services.standalone.doctor.values_file import Values, value
from shared.redirects import opener

_STEP = "route"
_TIMEOUT_S = 10
_MAX_BYTES = 1_000_000


def check_route(values: Values, context: ssl.SSLContext | None = None) -> Iterator[Finding]:
    """Whether the route's host has an address, a certificate that browsers trust, and results behind it."""
    host = str(value(values, "results.route.host"))
    if host:
        yield _check(host, context)


def _check(host: str, context: ssl.SSLContext | None) -> Finding:
    try:
        with opener(context=context).open(Request(f"https://{host}/api/v1/config"), timeout=_TIMEOUT_S) as response:
            config = json.loads(response.read(_MAX_BYTES))
    except HTTPError as error:
        return _another(host, f"{error.code}")
    except (OSError, HTTPException) as error:
        return Finding.missing(_STEP, _sentence(host, error))
    except ValueError:
        return _another(host, "something else")
    if not isinstance(config, dict) or "login" not in config:
        return _another(host, "something else")
    return Finding.ok(_STEP, f"{host} answers over HTTPS, with a certificate that is trusted here.")


def _another(host: str, answer: str) -> Finding:
    where = f"{host} answers over HTTPS, with a certificate that is trusted here"
    return Finding.unknown(_STEP, f"{where}, and gives {answer} in place of results, as before the installation.")


def _sentence(host: str, error: OSError | HTTPException) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, socket.gaierror):
        return f"{host} has no address: add it to DNS."
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not trusted here: {reason.verify_message}."
    return f"{host} does not answer over HTTPS: {reason}."
