"""Logs in to Kafka with the user and password that are mounted when a connection is made, or proves itself again."""

from collections.abc import Callable
from typing import Any

from kafka.errors import SaslAuthenticationFailedError
from kafka.net.sasl import register_sasl_mechanism
from kafka.net.sasl.plain import SaslMechanismPlain
from kafka.net.sasl.scram import SaslMechanismScram

from shared.settings import KafkaLogin

_LOGIN = "sasl_plain_password"
"""The option of kafka-python that holds a function in place of the password."""


def as_options(login: Callable[[], KafkaLogin]) -> dict[str, Any]:
    """Options of kafka-python, whose mechanisms are replaced by ours, which ask for user and password at each login."""
    register_sasl_mechanism("PLAIN", _Plain, overwrite=True)
    for name in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
        register_sasl_mechanism(name, _Scram, overwrite=True)
    return {_LOGIN: login}


def _current(config: dict[str, Any]) -> dict[str, Any]:
    """The options with the login of this moment; those of a client that is not ours stay as they are."""
    if not callable(config[_LOGIN]):
        return config
    login = config[_LOGIN]()
    return config | {"sasl_plain_username": login.username, "sasl_plain_password": login.password.get_secret_value()}


class _Plain(SaslMechanismPlain):  # type: ignore[misc]  # kafka-python is untyped
    def __init__(self, **config: Any) -> None:
        super().__init__(**_current(config))


class _Scram(SaslMechanismScram):  # type: ignore[misc]  # as above
    def __init__(self, **config: Any) -> None:
        super().__init__(**_current(config))


def is_refused(error: Exception) -> bool:
    """Whether an error of kafka-python is a refused login."""
    return isinstance(error, SaslAuthenticationFailedError)
