"""How we reach Kafka, and what we say when we cannot."""

from pathlib import Path

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, TopicAuthorizationFailedError
from pydantic import SecretStr

from shared.bus.kafka_client import KafkaDownError, KafkaRefusedError, connection, explained
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.settings import KafkaSettings

SECURED = KafkaSettings(
    bootstrap_servers="kafka:9094",
    security_protocol="SASL_SSL",
    sasl_username="medulla",
    sasl_password=SecretStr("hush"),
)


def test_a_plain_broker_gets_no_credentials() -> None:
    options = connection(KafkaSettings(bootstrap_servers="a:1,b:2"))
    assert options["bootstrap_servers"] == ["a:1", "b:2"]
    assert not [name for name in options if name.startswith(("sasl", "ssl"))]


def test_a_secured_broker_gets_user_password_and_mechanism() -> None:
    options = connection(SECURED)
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_password"]() == ("medulla", SecretStr("hush"))
    assert "hush" not in repr(SECURED.login())


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(KafkaRefusedError, match=r"CA file .*ca\.pem"):
        connection(SECURED.model_copy(update={"ssl_cafile": file}))


def test_a_silent_secured_broker_makes_us_name_the_password_and_the_ca_but_not_tell_them() -> None:
    with pytest.raises(KafkaDownError, match="password of medulla and the CA file") as caught, explained(SECURED):
        raise KafkaTimeoutError("Unable to bootstrap from kafka:9094")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("error", [TopicAuthorizationFailedError("slides.tiled"), MessageSizeTooLargeError("2 MB")])
def test_a_refusal_is_no_reason_to_try_again(error: Exception) -> None:
    with pytest.raises(KafkaRefusedError), explained(KafkaSettings()):
        raise error


def test_an_address_where_nobody_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.bus.kafka_client._BOOTSTRAP_MS", 300)
    with pytest.raises(KafkaDownError, match=r"Kafka at 127\.0\.0\.1:1 does not answer"):
        KafkaProducerAdapter(KafkaSettings(bootstrap_servers="127.0.0.1:1"))
