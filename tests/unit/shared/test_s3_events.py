"""Object stores announce the same object in different words; we hear the same key."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from shared.bus import topics
from shared.bus.dead_letters import original, to_dead_letter
from shared.bus.port import Delivery, Record
from shared.bus.s3_events import ObjectHint, announcement, context, decode, decoder, parse, split, splitter, to_bytes
from shared.errors import PoisonMessageError
from shared.home import Home
from tests.support.logs import logging_as

HARD = "slides/q b/1+2 %41 ä.svs"
_LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
keys = st.text(_LETTERS, min_size=1, max_size=60) | st.text(" +%/äß#?&41aB", min_size=1)


def aws(key: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    """As AWS sends it: keys encoded but for the slash."""
    described = {"key": quote_plus(key, safe="/"), "size": 5, "eTag": "5d41402abc4b2a76b9719d911017c592"}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "1970-01-01T00:00:00.000Z",
        "eventName": name,
        "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "landed",
            "bucket": {"name": "slides", "ownerIdentity": {"principalId": "A3NL1"}, "arn": "arn:aws:s3:::slides"},
            "object": {**described, "sequencer": "0055AED6DCD90281E5"},
        },
    }


def versitygw(key: str, name: str = "s3:ObjectCreated:Put") -> dict[str, Any]:
    """As versitygw 1.7 sends it: AWS's words, raw keys."""
    return {
        "eventVersion": "2.2",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00Z",
        "eventName": name,
        "userIdentity": {"PrincipalId": "medulla"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "", "x-amz-id-2": ""},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "webhook-global",
            "bucket": {"name": "slides", "ownerIdentity": {"PrincipalId": "medulla"}, "arn": f"arn:aws:s3:::{key}"},
            "object": {"key": key, "size": 5, "eTag": '"5d41"', "versionId": None, "sequencer": "20F"},
        },
        "glacierEventData": {
            "restoreEventData": {"lifecycleRestorationExpiryTime": "", "lifecycleRestoreStorageClass": ""}
        },
    }


def minio(key: str, name: str = "s3:ObjectCreated:Put") -> dict[str, Any]:
    """As MinIO sends it: keys encoded, slashes too."""
    encoded = quote(key, safe="").replace("%20", "+")
    described = {"key": encoded, "size": 5, "eTag": "5d41402abc4b2a76b9719d911017c592", "sequencer": "18EAB25481B59E58"}
    return {
        "eventVersion": "2.0",
        "eventSource": "minio:s3",
        "awsRegion": "",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": name,
        "userIdentity": {"principalId": "medulla"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "Config",
            "bucket": {"name": "slides"},
            "object": described,
        },
        "source": {"host": "127.0.0.1", "port": "", "userAgent": "Boto3"},
    }


def message(*entries: dict[str, Any], **more: str) -> bytes:
    return json.dumps({**more, "Records": entries}).encode()


def test_the_recorded_event_of_minio_names_the_object() -> None:
    recorded = (
        '{"EventName":"s3:ObjectCreated:Put","Key":"slides/slides/q b/1+2 %41 ä.svs","Records":[{"eventVersion":"2.0",'
        '"eventSource":"minio:s3","eventName":"s3:ObjectCreated:Put","s3":{"bucket":{"name":"slides"},'
        '"object":{"key":"slides%2Fq+b%2F1%2B2+%2541+%C3%A4.svs","size":5,"eTag":"5d41402abc4b2a76b9719d911017c592",'
        '"sequencer":"18EAB25481B59E58"}}}]}'
    )
    assert parse(recorded.encode()) == [ObjectHint(HARD, "slides")]


def test_the_recorded_event_of_aws_with_plain_slashes_names_the_object() -> None:
    assert "slides/q+b/1%2B2+%2541+%C3%A4.svs" in json.dumps(aws(HARD))
    assert parse(message(aws(HARD))) == [ObjectHint(HARD, "slides")]


@pytest.mark.parametrize("shape", [aws, minio, versitygw])
@given(key=keys)
def test_every_store_is_understood_whatever_the_key(shape: Any, key: str) -> None:
    assert parse(message(shape(key))) == [ObjectHint(key, "slides")]


@given(object_keys=st.lists(keys, max_size=4))
def test_our_own_announcements_are_read_back(object_keys: list[str]) -> None:
    assert parse(to_bytes("slides", object_keys)) == [ObjectHint(key, "slides") for key in object_keys]


@given(object_keys=st.lists(keys, min_size=2, max_size=4))
def test_a_record_about_several_objects_becomes_one_record_each(object_keys: list[str]) -> None:
    record = Record(topics.S3_EVENTS, "", message(*map(aws, object_keys)))
    assert [decode(message) for message in split(record)] == [ObjectHint(key, "slides") for key in object_keys]


def test_a_record_about_one_object_is_rid_of_what_the_store_says_beside_it() -> None:
    event = minio(HARD)
    event["s3"]["object"]["userMetadata"] = {"X-Amz-Meta-Patient": "Anna Müller"}
    record = Record(topics.S3_EVENTS, f"slides/{HARD}", message(event), {"ce_id": "1"})
    (single,) = split(record)
    assert (single.key, single.headers, decode(single)) == (record.key, record.headers, decode(record))
    assert decode(single).etag == decode(record).etag != ""
    assert b"Patient" in record.value
    assert b"Patient" not in single.value


def test_events_of_another_prefix_are_ignored_and_own_ones_are_read_below_it() -> None:
    own, read = splitter(Home("slides", "north/")), decoder(Home("slides", "north/"))
    several = Record(topics.S3_EVENTS, "k", message(*map(minio, (f"south/{HARD}", f"north/{HARD}", HARD, "north-2/a"))))
    assert [read(record) for record in own(several)] == [ObjectHint(HARD, "slides")]
    assert own(announcement(Home("slides", "south/"), HARD)) == []
    (other_bucket,) = own(announcement(Home("elsewhere"), HARD))
    with pytest.raises(PoisonMessageError, match="MEDULLA_S3__BUCKET"):
        read(other_bucket)
    with pytest.raises(PoisonMessageError, match="MEDULLA_S3__PREFIX"):
        read(announcement(Home("slides"), HARD))


@pytest.mark.parametrize("prefix", ["", "north/"])
def test_events_of_what_medulla_writes_itself_ask_for_nothing(prefix: str) -> None:
    home = Home("slides", prefix)
    own, read = splitter(home), decoder(home)
    landed = (f"slides/{HARD}", "clinical/C.json", "vectors/C/rna.json", "models/bundles/current.json", "other")
    written = ("cases/C/index.json", "landings/C/a.json", "plans/ab/thumbnail.jpg", "attempts/tiler/a", "erased/C.json")
    several = Record(topics.S3_EVENTS, "k", message(*(minio(f"{prefix}{key}") for key in (*written, *landed))))
    assert [read(record).key for record in own(several)] == list(landed)
    assert len(own(announcement(Home("elsewhere", prefix), written[0]))) == 1, (
        "refused, as every event of another bucket"
    )


def test_objects_outside_of_the_prefix_are_counted_and_one_without_any_prefix_is_warned_of() -> None:
    own = splitter(Home("slides", "north/"))
    counts = [_ignored("none"), _ignored("another")]
    with logging_as("tiler", "WARNING") as log:
        own(Record(topics.S3_EVENTS, "k", message(minio(f"nroth/{HARD}"), minio(f"north/{HARD}"))))
        assert not log.lines("ignored: objects whose keys do not begin with the prefix")
        own(Record(topics.S3_EVENTS, "k", message(*map(minio, ("slides/Anna Meier/a.svs", "clinical/C.json", "x/y")))))
    (line,) = log.lines("ignored: objects whose keys do not begin with the prefix")
    assert (line["objects"], line["prefix"], "Meier" in str(line)) == (2, "north/", False)
    assert [_ignored("none") - counts[0], _ignored("another") - counts[1]] == [2, 2]


def _ignored(prefix: str) -> float:
    return REGISTRY.get_sample_value("medulla_ignored_objects_total", {"prefix": prefix}) or 0


@given(key=keys)
def test_what_we_announce_below_a_prefix_is_what_the_store_would_announce(key: str) -> None:
    (record,) = splitter(Home("slides", "north/"))(announcement(Home("slides", "north/"), key))
    assert parse(record.value) == [ObjectHint(f"north/{key}", "slides")]
    assert decoder(Home("slides", "north/"))(record) == ObjectHint(key, "slides")
    assert record.key == f"slides/north/{key}"


def test_a_split_event_stays_in_the_bucket_that_it_names() -> None:
    """Also where the name looks like a bucket with a prefix."""
    event = aws(HARD)
    event["s3"]["bucket"]["name"] = "slides/north"
    (single,) = splitter(Home("slides", "north/"))(Record(topics.S3_EVENTS, "k", message(event)))
    with pytest.raises(PoisonMessageError, match="MEDULLA_S3__BUCKET"):
        decoder(Home("slides", "north/"))(single)


def test_an_event_of_another_bucket_is_poison() -> None:
    own = decoder(Home("slides"))
    assert own(announcement(Home("slides"), HARD)) == ObjectHint(HARD, "slides")
    with pytest.raises(PoisonMessageError, match="MEDULLA_S3__BUCKET is 'slides'"):
        own(announcement(Home("169.254.169.254/latest"), HARD))


def test_a_key_with_nul_is_poison() -> None:
    with pytest.raises(PoisonMessageError, match="NUL"):
        decode(announcement(Home("slides"), "slides/case-1/\0.svs"))


def test_an_announcement_is_keyed_as_minio_keys_it() -> None:
    assert announcement(Home("slides"), HARD).key == f"slides/{HARD}"
    assert decode(announcement(Home("slides"), HARD)) == ObjectHint(HARD, "slides")


@pytest.mark.parametrize(
    "quiet",
    [
        b'{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"1970-01-01T00:00:00.000Z","Bucket":"slides"}',
        b'{"Service":"S3","Event":"s3:TestEvent","Time":"1970-01-01T00:00:00Z","Bucket":"Test-Bucket"}',
        message(aws(HARD, "LifecycleTransition")),
        message(minio(HARD, "s3:ObjectAccessed:Head")),
        message(minio(HARD, "s3:Scanner:ManyVersions")),
    ],
)
def test_tests_and_what_changes_no_object_name_none(quiet: bytes) -> None:
    assert parse(quiet) == []


@pytest.mark.parametrize(
    "removal",
    [
        aws(HARD, "ObjectRemoved:Delete"),
        aws(HARD, "ObjectRemoved:DeleteMarkerCreated"),
        aws(HARD, "LifecycleExpiration:Delete"),
        aws(HARD, "LifecycleExpiration:DeleteMarkerCreated"),
        minio(HARD, "s3:ObjectRemoved:Delete"),
        minio(HARD, "s3:ObjectRemoved:DeleteMarkerCreated"),
        minio(HARD, "s3:LifecycleDelMarkerExpiration:Delete"),
        versitygw(HARD, "s3:ObjectRemoved:Delete"),
        versitygw(HARD, "s3:ObjectRemoved:DeleteObjects"),
    ],
)
def test_a_removal_of_every_store_and_kind_names_the_object(removal: dict[str, Any]) -> None:
    assert parse(message(removal)) == [ObjectHint(HARD, "slides", removed=True)]


def test_a_record_of_removals_and_creations_is_taken_apart_into_both() -> None:
    record = Record(topics.S3_EVENTS, "", message(aws("a"), aws("a", "ObjectRemoved:Delete"), aws("b")))
    hints = [decode(message) for message in split(record)]
    assert [(hint.key, hint.removed) for hint in hints] == [("a", False), ("a", True), ("b", False)]


@given(object_keys=st.lists(keys, max_size=4), removed=st.booleans())
def test_our_own_announcements_say_whether_objects_are_gone(object_keys: list[str], removed: bool) -> None:
    hints = [ObjectHint(key, "slides", removed) for key in object_keys]
    assert parse(to_bytes("slides", object_keys, removed=removed)) == hints


@pytest.mark.parametrize(
    "poison",
    [
        b"",
        b"not json",
        b"[1]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"Records":5}',
        b'{"Records":[null]}',
        b"[" * 100_000,
        message({"eventName": "ObjectCreated:Put"}),
        message(aws(HARD, "ObjectExploded:Put")),
        message({**aws(HARD), "eventSource": "other:s3"}),
        message({**aws(HARD), "s3": {"bucket": {"name": "slides"}, "object": {"key": 5}}}),
        message({**aws(HARD), "s3": {"bucket": {"name": ""}, "object": {"key": "a"}}}),
        message({**aws(HARD), "s3": {"bucket": {"name": "slides"}, "object": {"key": "%FF"}}}),
        message({**aws(HARD), "s3": {"bucket": {"name": "slides"}, "object": {"key": "\ud800"}}}),
    ],
)
def test_an_event_that_is_no_event_is_poison(poison: bytes) -> None:
    with pytest.raises(PoisonMessageError):
        parse(poison)


@given(value=st.binary(max_size=200))
def test_any_bytes_are_an_event_or_poison(value: bytes) -> None:
    with suppress(PoisonMessageError):
        assert isinstance(parse(value), list)


def test_a_hint_keeps_the_version_and_says_whether_a_person_sent_it_again() -> None:
    record = announcement(Home("slides"), HARD, "etag-1")
    assert decode(record).etag == "etag-1"
    assert not decode(record).replayed
    letter = to_dead_letter(Delivery(record, 0, 0), PoisonMessageError("no slide"), "tiler")
    assert decode(original(letter)).replayed


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("slides/case-1/a.svs", {"case_id": "case-1", "slide_id": "a.svs"}),
        ("clinical/case-1.json", {"case_id": "case-1"}),
        ("slides/case-1/a/Data0001.dat", {}),
        ("slides/Anna Müller/a.svs", {}),
        ("slides/case-1/Anna Müller.svs", {"case_id": "case-1"}),
        ("slides/loose.svs", {}),
        ("clinical/Anna Müller.json", {}),
        ("clinical/case-1.txt", {}),
        ("models/bundles/current.json", {"pointer": "models/bundles/current.json"}),
    ],
)
def test_a_hint_names_what_it_is_about_by_pseudonyms_alone(key: str, named: dict[str, str]) -> None:
    assert context(ObjectHint(key, "medulla")) == named
