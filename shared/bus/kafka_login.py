"""Logs in to Kafka with the user and password that are mounted when a connection is made, or proves itself again."""

import time
from collections.abc import Callable
from typing import Any

from kafka.errors import SaslAuthenticationFailedError
from kafka.net.sasl import register_sasl_mechanism
from kafka.net.sasl.plain import SaslMechanismPlain
from kafka.net.sasl.scram import SaslMechanismScram

from shared.settings import KafkaLogin

_LOGIN = "sasl_plain_password"
"""The option of kafka-python that holds a function in place of the password."""

_PATIENCE_S = 300.0
"""How long logins may be refused: a changed secret takes up to a minute and a half to be mounted."""
_PAUSE_S = 60.0
"""After this time without a refusal, the next one is of another change."""


def as_options(login: Callable[[], KafkaLogin]) -> dict[str, Any]:
    """Options of kafka-python, whose mechanisms ask for user and password at each login."""
    return {_LOGIN: login}


def _current(config: dict[str, Any]) -> dict[str, Any]:
    """The options with the login of this moment; those of a client that is not ours stay as they are."""
    if not callable(config[_LOGIN]):
        return config
    login = config[_LOGIN]()
    return config | {"sasl_plain_username": login.username, "sasl_plain_password": login.password}


class _Plain(SaslMechanismPlain):  # type: ignore[misc]  # kafka-python is untyped
    def __init__(self, **config: Any) -> None:
        super().__init__(**_current(config))


class _Scram(SaslMechanismScram):  # type: ignore[misc]  # as above
    def __init__(self, **config: Any) -> None:
        super().__init__(**_current(config))


register_sasl_mechanism("PLAIN", _Plain, overwrite=True)
for _name in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
    register_sasl_mechanism(_name, _Scram, overwrite=True)


class RefusedLogins:
    """Tells a password that changed on the broker first, and is about to be mounted, from one that stays wrong."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first = self._last = float("-inf")

    def may_end(self, error: Exception) -> bool:
        """Whether an error is a refused login, and logins are not refused for long."""
        if not isinstance(error, SaslAuthenticationFailedError):
            return False
        now = self._clock()
        if now - self._last > _PAUSE_S:
            self._first = now
        self._last = now
        return now - self._first < _PATIENCE_S
