"""SQS feeds the same handlers as Kafka: tried on a real queue server."""

import json
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config
from medulla.v1.events_pb2 import Progress

from shared import aws
from shared.bus import topics
from shared.bus.memory import MemoryBus
from shared.bus.port import Delivery
from shared.bus.s3_events import ObjectHint, decode, split, to_bytes
from shared.bus.sqs import SqsConsumer, SqsQueue, SqsRefusedError
from shared.route import Route
from shared.worker import Worker
from tests.support.bus import Recorder, Running, consume, running
from tests.support.polling import PATIENCE_S, eventually

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from tests.support.parts import ElasticMqPart


@pytest.fixture
def queue(elasticmq: "ElasticMqPart") -> SqsQueue:
    return SqsQueue(elasticmq.client(), elasticmq.queue(), visibility_s=2, long_poll_s=1)


def send(queue: SqsQueue, *bodies: bytes) -> None:
    for body in bodies:
        queue.client.send_message(QueueUrl=queue.url, MessageBody=body.decode())


def queued(queue: SqsQueue) -> int:
    """Messages that the queue still has, hidden ones included."""
    attributes = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])


def test_a_handled_message_is_deleted(queue: SqsQueue) -> None:
    recorder = Recorder()
    send(queue, to_bytes("slides", ["slides/a/1 +%41ä.svs"]))
    with running(consume(SqsConsumer(queue), recorder)):
        (delivery,) = recorder.wait_for(1)
        eventually(lambda: queued(queue) == 0)
    assert decode(delivery.record) == ObjectHint("slides/a/1 +%41ä.svs", "slides")
    assert delivery.written_at > 0


def test_a_message_whose_handler_crashed_comes_again(queue: SqsQueue) -> None:
    recorder = Recorder()

    def crash(_: Delivery) -> None:
        raise RuntimeError("boom")

    send(queue, to_bytes("slides", ["slides/a/1.svs"]))
    assert str(Running(consume(SqsConsumer(queue), crash)).join()) == "boom"
    with running(consume(SqsConsumer(queue), recorder)):
        recorder.wait_for(1)
        eventually(lambda: queued(queue) == 0)


def test_a_long_job_keeps_its_message_hidden_and_stopping_waits_for_it(queue: SqsQueue) -> None:
    recorder, long_enough = Recorder(), Event()
    rounds: list[int] = []

    def beat() -> None:
        rounds.append(1)
        if len(rounds) >= 6 and recorder.deliveries:
            long_enough.set()

    def handle(delivery: Delivery) -> None:
        recorder(delivery)
        assert long_enough.wait(PATIENCE_S)

    send(queue, to_bytes("slides", ["slides/a/1.svs"]))
    consumer = Running(consume(SqsConsumer(queue, concurrency=2, beat=beat), handle))
    recorder.wait_for(1)
    assert long_enough.wait(PATIENCE_S)
    consumer.stop.set()
    assert consumer.join() is None
    assert len(recorder.deliveries) == 1
    assert queued(queue) == 0


def test_a_worker_on_sqs_gives_poison_up_and_goes_on(queue: SqsQueue) -> None:
    bus = MemoryBus()
    landed: list[ObjectHint] = []

    def land(hint: ObjectHint) -> list[Progress]:
        landed.append(hint)
        return []

    route = Route(topics.S3_EVENTS, decode, land, split=split)
    test_event = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}).encode()
    send(queue, b"no event", test_event, to_bytes("slides", ["slides/a/1.svs", "slides/a/2.svs"]))
    with running(Worker("tiler", SqsConsumer(queue), bus.producer(), [route]).run):
        eventually(lambda: queued(queue) == 0)
    assert sorted(hint.key for hint in landed) == ["slides/a/1.svs", "slides/a/2.svs"]
    (letter,) = bus.records(topics.DEAD_LETTERS)
    assert letter.value == b"no event"
    assert letter.headers["medulla-origin"].startswith("s3.events/sqs/")


def test_a_queue_that_is_not_there_is_named(queue: SqsQueue) -> None:
    absent = SqsQueue(queue.client, f"{queue.url}-absent")
    error = Running(consume(SqsConsumer(absent), Recorder())).join()
    assert isinstance(error, SqsRefusedError)
    assert "-absent" in str(error)


def test_requests_are_signed_with_the_keys_that_the_file_holds_now(
    elasticmq: "ElasticMqPart", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    file, signed = tmp_path / "credentials", list[str]()
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))

    def mount(key: str) -> None:
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")

    mount("old")
    client: SQSClient = aws.client("sqs", "us-east-1", elasticmq.endpoint, Config(), renew_s=0)
    client.meta.events.register("before-send.sqs", lambda request, **_: signed.append(str(request.headers)))
    queue, recorder = SqsQueue(client, elasticmq.queue(), long_poll_s=1), Recorder()
    with running(consume(SqsConsumer(queue), recorder)):
        eventually(lambda: signed)
        mount("new")
        eventually(lambda: "Credential=new/" in signed[-1])
        file.write_text("[def")
        send(queue, to_bytes("slides", ["slides/a/1.svs"]))
        recorder.wait_for(1)
    assert "Credential=old/" in signed[0]
    assert "Credential=new/" in signed[-1]
