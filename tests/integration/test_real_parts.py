"""The real parts meet the assumptions of the other tests."""

import json
from itertools import islice
from pathlib import Path

import psycopg
import pytest
from botocore.exceptions import ClientError
from kafka import KafkaConsumer, KafkaProducer
from playwright.sync_api import Browser
from tritonclient.grpc import InferenceServerClient

from tests.stack.leftovers import MEMORY, folders_in_use, memory_of
from tests.stack.process import tail
from tests.stack.runs import end_programs
from tests.stack.triton import Triton
from tests.support.parts import ElasticMqPart, KafkaPart, MinioPart, PostgresPart
from tests.support.polling import wait_for


def _values(kafka: KafkaPart, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=30_000
    )
    try:
        return [record.value for record in islice(consumer, count)]
    finally:
        consumer.close()


def test_a_record_outlives_the_death_of_the_broker(kafka: KafkaPart) -> None:
    topic = kafka.topic()
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", reconnect_backoff_max_ms=1000)
    producer.send(topic, b"before").get(timeout=20)
    kafka.kill()
    kafka.start()
    producer.send(topic, b"after").get(timeout=60)
    producer.close()
    assert sorted(_values(kafka, topic, 2)) == [b"after", b"before"]


def test_an_object_put_is_announced_on_the_topic_of_its_bucket(
    kafka: KafkaPart, minio: MinioPart, event_bucket: tuple[str, str]
) -> None:
    bucket, topic = event_bucket
    minio.client().put_object(Bucket=bucket, Key="slides/q b/1+2 %41 ä.svs", Body=b"hello")
    (event,) = (json.loads(value) for value in _values(kafka, topic, 1))
    assert event["Records"][0]["s3"]["object"]["key"] == "slides%2Fq+b%2F1%2B2+%2541+%C3%A4.svs"


def test_only_the_first_conditional_put_of_a_key_wins(minio: MinioPart) -> None:
    bucket, s3 = minio.bucket(), minio.client()
    s3.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*")


def test_objects_outlive_the_death_of_the_store(minio: MinioPart) -> None:
    bucket = minio.bucket()
    minio.client().put_object(Bucket=bucket, Key="kept", Body=b"1")
    minio.kill()
    minio.start()
    assert minio.client().get_object(Bucket=bucket, Key="kept")["Body"].read() == b"1"


def test_each_database_is_empty_and_of_its_own(postgres: PostgresPart) -> None:
    first, second = postgres.database(), postgres.database()
    assert first != second
    with psycopg.connect(first.replace("+psycopg", ""), connect_timeout=5) as connection:
        assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)


def _mapped(postgres: PostgresPart) -> set[Path]:
    """The shared memory that a database server has in use."""
    pid = postgres.program.pid_file.read_text().split()[0]
    words = Path(f"/proc/{pid}/maps").read_text().split()
    return {Path(word) for word in words if word.startswith(f"{MEMORY}/PostgreSQL.")}


def test_a_database_is_shut_down_in_order_although_a_client_stays(postgres: PostgresPart) -> None:
    memory = _mapped(postgres)
    assert memory
    with psycopg.connect(postgres.dsn("postgres"), connect_timeout=5):
        assert end_programs(postgres.folder) == ["postgres"]
    try:
        assert "database system is shut down" in tail(postgres.program.log, 1)
        assert not any(region.exists() for region in memory)
    finally:
        postgres.start()


def test_a_message_comes_back_until_it_is_deleted(elasticmq: ElasticMqPart) -> None:
    sqs, queue = elasticmq.client(), elasticmq.queue()
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    read = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, VisibilityTimeout=0)["Messages"]
    again = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert [message["Body"] for message in read + again] == ["hello", "hello"]


def test_triton_serves_the_default_encoder(triton: Triton) -> None:
    (model,) = triton.models.iterdir()
    with InferenceServerClient(triton.url) as client:
        assert client.is_model_ready(model.name, client_timeout=5)


def test_a_killed_triton_leaves_no_process_and_no_shared_memory(triton: Triton) -> None:
    assert memory_of(triton.folder)
    triton.kill()
    try:
        assert wait_for(lambda: not folders_in_use(triton.folder), 10)
        assert not memory_of(triton.folder)
    finally:
        triton.start()


def test_the_browser_draws_a_page(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<h1>Medulla</h1>")
    assert page.inner_text("h1") == "Medulla"
    page.close()
