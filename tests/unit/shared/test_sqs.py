"""SQS while its keys are renewed; the contract tests ask a real queue."""

from threading import Event
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from shared.bus import sqs


class Queue:
    """Refuses each request with the next of these codes."""

    def __init__(self, *codes: str) -> None:
        self.codes = list(codes)

    def receive_message(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": self.codes.pop(0)}}, "ReceiveMessage")


def refusal(*codes: str) -> str:
    consumer = sqs.SqsConsumer(sqs.SqsQueue(cast("Any", Queue(*codes)), "queue"))
    with pytest.raises(sqs.SqsRefusedError) as caught:
        consumer.run(Event(), lambda _: None)
    return str(caught.value)


def test_an_unknown_key_is_tried_again_for_a_while_and_a_missing_right_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqs, "_LOOK_UP_S", 0)
    assert "AccessDenied" in refusal("InvalidClientTokenId", "InvalidClientTokenId", "AccessDenied")
    monkeypatch.setattr("shared.bus.refused_logins._PATIENCE_S", 0)
    assert "InvalidClientTokenId" in refusal("InvalidClientTokenId")
