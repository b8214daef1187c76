"""Clients of boto3 whose keys and authorities are read again while they are used, and times are parsed as ISO 8601."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, Credentials, ReadOnlyCredentials, SharedCredentialProvider
from botocore.exceptions import BotoCoreError
from botocore.utils import parse_timestamp

from shared import tls_files
from shared.errors import MedullaError
from shared.renewed import Rebuilt, Renewed

_RENEW_S = 30.0
Keys = Callable[[], ReadOnlyCredentials]


def client(
    service: str,
    region: str,
    endpoint_url: str | None,
    config: Config,
    keys: Keys | None = None,
    renew_s: float = _RENEW_S,
) -> Any:
    """A client that signs with the keys of `keys`, else those of the environment, of a file, or of the machine or pod.

    A file of keys and one of authorities (`AWS_SHARED_CREDENTIALS_FILE`, `AWS_CA_BUNDLE`) are read again every
    `renew_s`; requests in flight end on the connection on which they began.
    """
    core = _session(keys, renew_s)
    session: Any = boto3.Session(botocore_session=core)
    ca = core.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")

    def authorities() -> bytes:
        return tls_files.authorities(Path(ca)) if ca else b""

    def built(_: bytes) -> Any:
        return session.client(service, region_name=region, endpoint_url=endpoint_url, config=config)

    return _Client(Rebuilt(authorities, built, renew_s))


class _Client:
    """boto3 clients never forget an authority, so a new client replaces the old one."""

    def __init__(self, current: Rebuilt[bytes, Any]) -> None:
        self._current = current

    def __getattr__(self, name: str) -> Any:
        return getattr(self._current(), name)


def _session(keys: Keys | None, renew_s: float) -> botocore.session.Session:
    session = botocore.session.get_session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_time)
    chain = session.get_component("credential_provider")
    if keys is not None:
        chain.providers.insert(0, _Provider(keys))
    file = chain.get_provider(SharedCredentialProvider.METHOD)
    chain.insert_before(SharedCredentialProvider.METHOD, _FileProvider(file, renew_s))
    return session


def _time(text: str) -> datetime:
    """As S3 writes it; botocore tries one format after another, at length."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parse_timestamp(text)


class _RenewedKeys(Credentials):
    """Keys that are read when botocore signs."""

    def __init__(self, current: Keys, method: str) -> None:
        self._current = current
        keys = current()
        super().__init__(keys.access_key or "", keys.secret_key or "", keys.token, method, keys.account_id)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """What the next request is signed with."""
        return self._current()


class _Provider(CredentialProvider):
    """First in botocore's chain."""

    METHOD = "medulla-settings"

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self._keys = keys

    def load(self) -> Credentials:
        """The keys."""
        return _RenewedKeys(self._keys, self.METHOD)


class _FileProvider(CredentialProvider):
    """In place of botocore's provider of the file of keys, which reads it once."""

    METHOD = "medulla-file"

    def __init__(self, file: SharedCredentialProvider, renew_s: float) -> None:
        super().__init__()
        self._file, self._renew_s = file, renew_s

    def load(self) -> Credentials | None:
        """The keys; None where there is no such file."""
        if self._file.load() is None:
            return None
        return _RenewedKeys(Renewed(self._read(), self._read, self._renew_s), self.METHOD)

    def _read(self) -> ReadOnlyCredentials:
        try:
            keys = self._file.load()
        except BotoCoreError as error:
            raise MedullaError(f"the file of AWS keys cannot be used: {error}") from error
        if keys is None:
            raise MedullaError("the file of AWS keys holds none of the profile")
        return keys.get_frozen_credentials()
