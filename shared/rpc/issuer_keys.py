"""The public keys of an OpenID issuer: found by discovery, cached, refreshed when a token names a new one."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from threading import Lock, Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from shared import logs
from shared.errors import TransientError
from shared.redirects import opener
from shared.settings import AuthSettings

_REFRESH_S = 900.0
"""Keys older than this are fetched again, so that a withdrawn key is soon refused."""
_USABLE_S = 86_400.0
"""How long the last keys are accepted while the issuer is down."""
_PAUSE_S = 10.0
"""Least time between two fetches, also for tokens with unknown keys."""
_MAX_BYTES = 1_000_000

_log = logs.get(__name__)


@dataclass(frozen=True)
class _Known:
    """Signing keys by id, and when they were fetched (monotonic seconds)."""

    keys: Mapping[str, PyJWK] = field(default_factory=dict)
    at: float = float("-inf")


class IssuerKeys:
    """Keys of one issuer; safe to share between threads, of which one fetches at a time."""

    def __init__(self, settings: AuthSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = Lock()
        self._known = _Known()
        self._tried = float("-inf")
        self._error: TransientError | None = None

    def look(self) -> Thread:
        """Fetch the keys in the background, so that the log reports a wrong address before the first request."""
        looking = Thread(target=self._refresh, kwargs={"wait": False}, daemon=True)
        looking.start()
        return looking

    def find(self, kid: str) -> PyJWK | None:
        """The key with this id; an empty id means the only key. None if the issuer has no such key.

        Raises:
            TransientError: the key is not known and the issuer does not answer.
        """
        key = self._pick(kid)
        if key is None or self._age > _REFRESH_S:
            self._refresh(wait=key is None)
            key = self._pick(kid)
        if key is None and (self._error or not self._known.keys):
            raise self._error or TransientError(f"the token issuer {self._settings.issuer} is slow to answer")
        return key

    @property
    def _age(self) -> float:
        return self._clock() - self._known.at

    def _pick(self, kid: str) -> PyJWK | None:
        known = self._known.keys if self._age <= _USABLE_S else {}
        if not kid and len(known) == 1:
            return next(iter(known.values()))
        return known.get(kid)

    def _refresh(self, *, wait: bool) -> None:
        """Fetch unless another thread does, or one did a moment ago."""
        if not self._lock.acquire(timeout=3 * self._settings.timeout_s if wait else 0):
            return
        try:
            if self._clock() - self._tried >= _PAUSE_S:
                self._tried = self._clock()
                self._fetch()
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        try:
            self._known, self._error = _Known(_signing_keys(self._get(self._jwks_url())), self._clock()), None
        except TransientError as error:
            _log.warning("keys of the token issuer were not fetched", sentence=str(error))
            self._error = error

    def _jwks_url(self) -> str:
        if self._settings.jwks_url:
            return self._settings.jwks_url
        document = self._get(f"{self._settings.issuer}/.well-known/openid-configuration")
        url = document.get("jwks_uri")
        if str(document.get("issuer")).rstrip("/") != self._settings.issuer or not self._is_safe(url):
            raise TransientError(f"the discovery document of {self._settings.issuer} is of another issuer or broken")
        return str(url)

    def _is_safe(self, url: object) -> bool:
        """Whether a URL that the issuer names is HTTPS, or HTTP as the issuer's own."""
        plain = self._settings.issuer.startswith("http://")
        return isinstance(url, str) and url.startswith(("https://", "http://") if plain else "https://")

    def _get(self, url: str) -> Mapping[str, Any]:
        request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 - settings and _jwks_url checked the scheme
        try:
            with opener().open(request, timeout=self._settings.timeout_s) as response:
                document = json.loads(response.read(_MAX_BYTES))
        except HTTPError as error:
            raise TransientError(_refusal(url, error)) from error
        except (OSError, HTTPException, ValueError) as error:
            raise TransientError(f"the token issuer does not answer at {url}: {type(error).__name__}") from error
        if not isinstance(document, dict):
            raise TransientError(f"the token issuer gives no JSON object at {url}")
        return document


def _refusal(url: str, error: HTTPError) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= error.code < HTTPStatus.BAD_REQUEST:
        return f"the token issuer redirects {url}, and redirects are not followed; configure the address it leads to"
    return f"the token issuer does not answer at {url}: {error.code}"


def _signing_keys(document: Mapping[str, Any]) -> Mapping[str, PyJWK]:
    try:
        keys = PyJWKSet.from_dict(dict(document)).keys
    except (PyJWTError, TypeError, AttributeError) as error:
        raise TransientError("the token issuer publishes no usable keys") from error
    return {key.key_id or "": key for key in keys if key.public_key_use in {None, "sig"}}
