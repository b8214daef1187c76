"""A session of boto3: keys are asked for anew before each request is signed, and times of listings are not guessed."""

from collections.abc import Callable
from datetime import datetime

import boto3
import botocore.session
from botocore.credentials import CredentialProvider, Credentials, ReadOnlyCredentials
from botocore.utils import parse_timestamp

from shared.settings import S3Settings


def session(current: Callable[[], S3Settings]) -> boto3.Session:
    """A session with the keys that `current` gives at each request; without keys, those of the machine or pod."""
    core = botocore.session.get_session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_time)
    if current().access_key_id is not None:
        core.get_component("credential_provider").providers.insert(0, _Provider(_RenewedKeys(current)))
    return boto3.Session(botocore_session=core)


def _time(text: str) -> datetime:
    """As S3 writes it; botocore tries one format after another, at length."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parse_timestamp(text)


class _RenewedKeys(Credentials):
    """Keys that are read when botocore signs."""

    def __init__(self, current: Callable[[], S3Settings]) -> None:
        self._current = current
        super().__init__(*_keys(current()), method=_Provider.METHOD)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """What the next request is signed with."""
        return ReadOnlyCredentials(*_keys(self._current()), None)


class _Provider(CredentialProvider):
    """First in botocore's chain."""

    METHOD = "medulla-settings"

    def __init__(self, keys: Credentials) -> None:
        super().__init__()
        self._keys = keys

    def load(self) -> Credentials:
        """The keys."""
        return self._keys


def _keys(settings: S3Settings) -> tuple[str, str]:
    secret = settings.secret_access_key
    return settings.access_key_id or "", secret.get_secret_value() if secret else ""
