"""How the scorer is put together at start."""

from contextlib import ExitStack
from typing import Never

import pytest

import services.fusion_scorer.__main__ as scorer
from shared.blob.memory import MemoryStore
from shared.rpc.auth import OpenToOthersError
from shared.settings import PlatformSettings, load


def test_an_address_open_to_others_is_refused_before_kafka_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> Never:
        raise AssertionError("Kafka was asked")

    monkeypatch.setattr(scorer, "S3Store", lambda *_: MemoryStore())
    monkeypatch.setattr(scorer, "KafkaProducerAdapter", forbidden)
    monkeypatch.setenv("SCORER_GRPC_ADDRESS", "0.0.0.0:0")
    with ExitStack() as stack, pytest.raises(OpenToOthersError):
        scorer.build(load(PlatformSettings), stack)
