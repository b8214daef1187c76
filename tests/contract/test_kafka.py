"""What only Kafka has: rebalances, static members, a broker that dies."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from threading import Event

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import RetriableError

from shared import metrics
from shared.bus import topics
from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_admin import ensure_topics, forget, read_topic
from shared.bus.kafka_backlog import oldest_record, retries, unfinished
from shared.bus.kafka_client import KafkaDownError, connection
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Delivery, Record, RecordTooLargeError
from shared.bus.retry import RetryPolicy
from shared.bus.s3_events import announcement
from shared.home import Home
from tests.support.bus import REJOIN_S, Recorder, Running, consume, delivered, running
from tests.support.bus_kinds import KafkaKind
from tests.support.polling import PATIENCE_S, eventually, wait_for


@pytest.fixture
def bus(request: pytest.FixtureRequest) -> Iterator[KafkaKind]:
    kind = KafkaKind(request.getfixturevalue("kafka").bootstrap)
    yield kind
    kind.close()


def spread(topic: str, count: int) -> list[Record]:
    return [Record(topic, f"case-{n}", str(n).encode()) for n in range(count)]


def test_a_handler_longer_than_the_poll_interval_trips_no_rebalance(
    bus: KafkaKind, caplog: pytest.LogCaptureFixture
) -> None:
    topic, started, polled, recorder = bus.topic(), Event(), Event(), Recorder()
    longer_s = (bus.settings.max_poll_interval_ms + 2_000) / 1000

    def handle(delivery: Delivery) -> None:
        started.set()
        Event().wait(longer_s)
        polled.clear()
        assert polled.wait(PATIENCE_S)
        recorder(delivery)

    bus.producer().send([Record(topic, "case-1", b"long")])
    with running(consume(bus.consumer("group", [topic], beat=polled.set), handle)):
        assert started.wait(PATIENCE_S)
        with caplog.at_level(logging.INFO, "kafka.coordinator"):
            recorder.wait_for(1)
    assert "joining group" not in caplog.text
    assert [delivery.offset for delivery in recorder.deliveries] == [0]
    assert _committed(bus, topic) == 1


def _committed(bus: KafkaKind, topic: str) -> int:
    """Number of records that a new member of the group would not get again."""
    uncommitted = Recorder()
    sent = len(bus.records(topic))
    bus.producer().send([Record(topic, "case-1", b"last")])
    with running(consume(bus.consumer("group", [topic]), uncommitted)):
        eventually(lambda: any(delivery.record.value == b"last" for delivery in uncommitted.deliveries))
    return sent - len(uncommitted.deliveries) + 1


def test_a_new_member_takes_its_share_and_every_record_is_handled(bus: KafkaKind) -> None:
    topic, old, new, numbers = bus.topic(), Recorder(), Recorder(), count()
    with running(consume(bus.consumer("group", [topic]), old)):
        bus.producer().send(spread(topic, 20))
        old.wait_for(20)
        with running(consume(bus.consumer("group", [topic]), new)):
            eventually(
                lambda: delivered(bus.producer(), Record(topic, f"case-{next(numbers)}", b"")) and new.deliveries
            )
            sent = len(bus.records(topic))
            eventually(lambda: len({delivery.origin for delivery in old.deliveries + new.deliveries}) == sent)
    assert new.deliveries


def test_a_static_member_that_comes_back_in_time_disturbs_nobody(
    bus: KafkaKind, caplog: pytest.LogCaptureFixture
) -> None:
    topic, recorder = bus.topic(), Recorder()
    bus.settings = bus.settings.model_copy(update={"session_timeout_ms": 30_000})
    stays, restarts = (bus.consumer("group", [topic], instance) for instance in ("stays", "restarts"))
    with caplog.at_level(logging.INFO, "kafka.coordinator"), running(consume(stays, recorder)):
        eventually(lambda: "rebalance complete" in caplog.text)  # it leads the group; a leader's return moves everybody
        with running(consume(restarts, recorder)) as before:
            eventually(lambda: _settled(caplog, topic))
            before.stop.set()
            assert before.join() is None
        caplog.clear()
        bus.producer().send(spread(topic, 20))
        with running(consume(restarts, recorder)):
            recorder.wait_for(20)
    assert caplog.text.count("(Re-)joining group") == 1
    assert len({delivery.origin for delivery in recorder.deliveries}) == len(recorder.deliveries) == 20


def _settled(caplog: pytest.LogCaptureFixture, topic: str) -> bool:
    """Whether the last two completed rebalances left one partition with one member and two with the other."""
    ends = [record.getMessage() for record in caplog.records if "rebalance complete" in record.getMessage()]
    shares = sorted(_assigned(end).count(topic) for end in ends[-2:])
    return shares == [1, 2]


def _assigned(end: str) -> str:
    return end.partition(" assigned=")[2].partition(" revoked=")[0]


def test_consumer_and_producer_go_on_after_a_broker_that_was_killed(
    bus: KafkaKind, request: pytest.FixtureRequest
) -> None:
    broker, topic, recorder = request.getfixturevalue("kafka"), bus.topic(), Recorder()
    producer = KafkaProducerAdapter(bus.settings, deadline_s=2)
    with running(consume(bus.consumer("group", [topic], "one"), recorder)):
        producer.send(spread(topic, 5))
        recorder.wait_for(5)
        broker.kill()
        with pytest.raises(KafkaDownError):
            producer.send([Record(topic, "case-1", b"lost")])
        broker.start()
        eventually(lambda: delivered(producer, Record(topic, "case-1", b"after")))
        assert wait_for(lambda: b"after" in {delivery.record.value for delivery in recorder.deliveries}, REJOIN_S)
    producer.close()


def test_lag_is_shown_for_every_partition_and_forgotten_with_it(bus: KafkaKind) -> None:
    topic, started, finish = bus.topic(), Event(), Event()

    def handle(_: Delivery) -> None:
        started.set()
        assert finish.wait(PATIENCE_S)

    bus.producer().send([Record(topic, "case-1", b"") for _ in range(3)])
    with running(consume(bus.consumer("group", [topic]), handle)):
        assert started.wait(PATIENCE_S)
        eventually(lambda: sum(_lags(topic)) == 3)
        assert len(_lags(topic)) == 3
        finish.set()


def test_a_group_whose_last_member_has_left_still_has_records_to_finish(bus: KafkaKind) -> None:
    topic, recorder = bus.topic(), Recorder()
    bus.producer().send(spread(topic, 5))
    with running(consume(bus.consumer("group", [topic]), recorder)):
        recorder.wait_for(5)
    bus.producer().send(spread(topic, 12))
    assert unfinished(bus.settings, bus.group("group"), [topic]) == 12
    assert unfinished(bus.settings, bus.group("never read"), [topic]) == 17


def test_what_a_service_tries_again_is_read_from_its_first_record_that_is_not_finished(bus: KafkaKind) -> None:
    topic, recorder = bus.topic(), Recorder()
    group = bus.group("group")
    retry_topic = topics.retry_topic(group)
    bus.ensure(retry_topic)
    tried = announcement(Home("bucket"), "slides/MB-1/A1.svs")
    again = RetryPolicy().again(Delivery(replace(tried, topic=topic), 0, 0, 0.0), group, 0.0, why="the bucket is away")
    assert again is not None
    bus.producer().send([again])
    waits = [each for each in retries(bus.settings, Home("bucket")) if each.service == group]
    assert [each.slide_id for each in waits] == ["A1.svs"]
    with running(consume(bus.consumer("group", [retry_topic]), recorder)):
        recorder.wait_for(1)
    assert [each for each in retries(bus.settings, Home("bucket")) if each.service == group] == []


def test_a_topic_says_when_its_oldest_record_was_put_there(bus: KafkaKind) -> None:
    topic, before = bus.topic(), time.time()
    assert oldest_record(bus.settings, topic) is None
    bus.producer().send(spread(topic, 5))
    first = oldest_record(bus.settings, topic)
    assert first is not None
    assert before - 1 < first < time.time() + 1
    bus.producer().send(spread(topic, 5))
    assert oldest_record(bus.settings, topic) == first


def test_a_service_counts_the_partitions_of_its_topics_also_those_that_it_does_not_hold(bus: KafkaKind) -> None:
    topic = bus.topic()
    with (
        running(consume(bus.consumer("group", [topic]), Recorder())),
        running(consume(bus.consumer("group", [topic]), Recorder())),
    ):
        eventually(lambda: _partitions(topic) == [3])
        assert _partitions(topic) == [3]


def _partitions(topic: str) -> list[float]:
    samples = [sample for metric in metrics.TOPIC_PARTITIONS.collect() for sample in metric.samples]
    return [sample.value for sample in samples if sample.labels["topic"] == topic]


def _lags(topic: str) -> list[float]:
    samples = [sample for metric in metrics.CONSUMER_LAG.collect() for sample in metric.samples]
    return [sample.value for sample in samples if sample.labels["topic"] == topic]


def test_where_nothing_is_left_to_read_and_nothing_was_committed_the_group_says_where_it_begins(bus: KafkaKind) -> None:
    topic, group = bus.topic(), bus.group("group")
    bus.producer().send(spread(topic, 20))
    partitions = [TopicPartition(topic, number) for number in range(3)]
    with closing(KafkaAdminClient(**connection(bus.settings))) as admin:
        admin.delete_records(dict.fromkeys(partitions, -1))
        with running(consume(bus.consumer("group", [topic]), Recorder())):
            eventually(lambda: _offsets(admin, group) == 20)
        begins = admin.list_group_offsets(group)[group]
    assert {partition.partition for partition, each in begins.items() if each.offset > 0} == {0, 1, 2}


def _offsets(admin: KafkaAdminClient, group: str) -> int:
    """Sum of what a group has committed."""
    try:
        return sum(each.offset for each in admin.list_group_offsets(group)[group].values())
    except RetriableError:
        return 0


def test_a_missing_topic_is_named(bus: KafkaKind) -> None:
    error = Running(consume(bus.consumer("group", ["nowhere.to.be.found"]), Recorder())).join()
    assert isinstance(error, KafkaDownError)
    assert "nowhere.to.be.found" in str(error)
    with pytest.raises(KafkaDownError, match="no topic nowhere"):
        list(read_topic(bus.settings, "nowhere.to.be.found"))


def test_sending_to_a_missing_topic_ends_at_the_deadline(bus: KafkaKind) -> None:
    producer = KafkaProducerAdapter(bus.settings, deadline_s=1)
    with pytest.raises(KafkaDownError):
        producer.send([Record("nowhere.to.be.found", "", b"")])
    producer.close()


def test_topics_are_created_once(bus: KafkaKind) -> None:
    name = bus.topic()
    assert ensure_topics(bus.settings, [name]) == []


def test_a_consumer_that_was_never_started_opens_nothing(bus: KafkaKind) -> None:
    assert KafkaConsumerAdapter(bus.settings, "group", ["test"])


def test_records_in_the_middle_of_a_topic_are_forgotten_and_the_others_stay(bus: KafkaKind) -> None:
    topic, producer = bus.topic(), bus.producer()
    producer.send([Record(topic, f"case-{number % 3}", str(number).encode()) for number in range(12)])
    assert forget(bus.settings, producer, topic, lambda: lambda letter: letter.record.key == "case-1") == 4
    assert forget(bus.settings, producer, topic, lambda: lambda letter: letter.record.key == "case-1") == 0
    uncommitted = [delivery.record for delivery in read_topic(bus.settings, topic)]
    assert sorted(int(record.value) for record in uncommitted) == [0, 2, 3, 5, 6, 8, 9, 11]


def test_after_a_record_that_the_broker_refuses_the_producer_goes_on(bus: KafkaKind) -> None:
    topic, recorder, producer = bus.topic(), Recorder(), bus.producer()
    for size in (1, 1_500_000, 2):
        try:
            producer.send([Record(topic, "k", b"x" * size)])
        except RecordTooLargeError:
            assert size > 2
    with running(consume(bus.consumer("group", [topic]), recorder)):
        assert [delivery.record.value for delivery in recorder.wait_for(2)] == [b"x", b"xx"]
