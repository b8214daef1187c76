"""Object events of stores: AWS and MinIO with URL-encoded keys, versitygw with raw ones.

An event is a hint, never a fact: its handler asks the store for the current object.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_plus

from shared import metrics
from shared.bus import headers, topics
from shared.bus.port import Record
from shared.errors import PoisonMessageError
from shared.home import Home
from shared.keys import FOLDERS, LANDED, WRITTEN, named_in
from shared.logs import get
from shared.model_keys import CURRENT_BUNDLE

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import QueueConfigurationTypeDef

ANNOUNCED = (*LANDED, CURRENT_BUNDLE)
"""How the keys begin of which a bucket has to announce what is created and removed."""
_log = get(__name__)
_OF_NO_INTEREST = frozenset(
    {
        "IntelligentTiering",
        "LifecycleTransition",
        "ObjectAccessed",
        "ObjectAcl",
        "ObjectRestore",
        "ObjectTagging",
        "ObjectTransition",
        "ReducedRedundancyLostObject",
        "Replication",
        "Scanner",
    }
)
_CREATED = "ObjectCreated"
_REMOVED = frozenset({"LifecycleDelMarkerExpiration", "LifecycleExpiration", "ObjectRemoved"})
"""A delete marker in a versioned bucket is announced as one of these as well."""


@dataclass(frozen=True, slots=True)
class ObjectHint:
    """An object may have landed or been removed."""

    key: str
    """As the object is called, decoded."""
    bucket: str
    removed: bool = False
    """The store announced the removal of the object or of one version; another version may exist."""
    etag: str = field(default="", compare=False)
    """Of the version that landed, if the event has it."""
    replayed: bool = field(default=False, compare=False)
    """A person replayed a dead letter: an input refused before is tried again."""


def parse(value: bytes) -> list[ObjectHint]:
    """Read one event message: a hint for each created or removed object, none for test events.

    Raises:
        PoisonMessageError: it is no S3 event of a known store.
    """
    message = _json(value)
    if message.get("Event") == "s3:TestEvent":
        return []
    entries = message.get("Records")
    if not isinstance(entries, list):
        raise PoisonMessageError("JSON that is no S3 event: it has no list of Records")
    return [hint for entry in entries if (hint := _hint(entry)) is not None]


def splitter(home: Home) -> Callable[[Record], Sequence[Record]]:
    """As `split`; the function drops what Medulla wrote, and drops and counts what is outside of the prefix of `home`.

    A bucket that announces every object tells of about twenty that services write for a slide.
    """

    def split_own(record: Record) -> Sequence[Record]:
        hints = [hint for hint in parse(record.value) if not _is_written(hint, home)]
        outside = {hint for hint in hints if hint.bucket == home.bucket and not hint.key.startswith(home.prefix)}
        _count_ignored([hint.key for hint in outside], home.prefix)
        return _split(record, [hint for hint in hints if hint not in outside])

    return split_own


def split(record: Record) -> Sequence[Record]:
    """One record for each object that an event message names, so that each object is handled on its own.

    It holds what we read and nothing else: a store repeats an object's metadata, which may name a patient, and what is
    given up is kept.
    """
    return _split(record, parse(record.value))


def _split(record: Record, hints: Sequence[ObjectHint]) -> Sequence[Record]:
    if not hints:
        _log.debug("ignored: an event that names no object to handle")
    records = [_record(hint.bucket, hint.key, hint.etag, removed=hint.removed) for hint in hints]
    return [replace(records[0], key=record.key, headers=record.headers)] if len(records) == 1 else records


def _is_written(hint: ObjectHint, home: Home) -> bool:
    """Whether an object is in a folder of `home` that Medulla alone writes to."""
    name = hint.key.removeprefix(home.prefix)
    return hint.bucket == home.bucket and home.whole(name) == hint.key and name.partition("/")[0] in WRITTEN


def _count_ignored(keys: Sequence[str], prefix: str) -> None:
    """Count objects outside of the prefix; those in a folder of ours at the bucket's top were meant to have it."""
    without = sum(key.partition("/")[0] in FOLDERS for key in keys)
    metrics.IGNORED_OBJECTS.labels("none").inc(without)
    metrics.IGNORED_OBJECTS.labels("another").inc(len(keys) - without)
    if without:
        _log.warning("ignored: objects whose keys do not begin with the prefix", objects=without, prefix=prefix)


def decode(record: Record) -> ObjectHint:
    """The one hint of a record that `split` returned.

    Raises:
        PoisonMessageError: it is no S3 event, or not about exactly one object.
    """
    hints = parse(record.value)
    if len(hints) != 1:
        raise PoisonMessageError(f"an S3 event about {len(hints)} objects instead of one")
    if "\0" in hints[0].key:
        raise PoisonMessageError("an S3 event whose key holds NUL, which no object's key does")
    return replace(hints[0], replayed=headers.REPLAYED in record.headers)


def decoder(home: Home) -> Callable[[Record], ObjectHint]:
    """As `decode`, with the key below the prefix of `home`.

    The function refuses events of other buckets too, whose keys say nothing about this one.
    """

    def decode_own(record: Record) -> ObjectHint:
        hint = decode(record)
        if hint.bucket != home.bucket:
            own = home.bucket
            raise PoisonMessageError(f"an S3 event of bucket {hint.bucket[:60]!r}; MEDULLA_S3__BUCKET is {own!r}")
        if not hint.key.startswith(home.prefix):
            prefix = home.prefix
            raise PoisonMessageError(f"an S3 event of a key that does not begin with MEDULLA_S3__PREFIX, {prefix!r}")
        return replace(hint, key=hint.key.removeprefix(home.prefix))

    return decode_own


def context(hint: ObjectHint) -> dict[str, str]:
    """Ids of a hint: case_id and slide_id if the object's key has them and they are pseudonyms; a bundle's pointer."""
    return {"pointer": hint.key} if hint.key == CURRENT_BUNDLE else named_in(hint.key)


def announcement(home: Home, key: str, etag: str = "", *, removed: bool = False) -> Record:
    """A record as MinIO would send it, for objects that no store announced; `etag` identifies the version."""
    return _record(home.bucket, home.whole(key), etag, removed=removed)


def notifications(queue: str, beginnings: Sequence[str] = ANNOUNCED) -> list["QueueConfigurationTypeDef"]:
    """`QueueConfigurations` of a bucket that announces to a queue the objects whose keys begin so."""
    return [
        {
            "QueueArn": queue,
            "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": beginning}]}},
        }
        for beginning in beginnings
    ]


def _record(bucket: str, key: str, etag: str, *, removed: bool) -> Record:
    return Record(topics.S3_EVENTS, f"{bucket}/{key}", to_bytes(bucket, [key], etag, removed=removed))


def to_bytes(bucket: str, keys: Sequence[str], etag: str = "", *, removed: bool = False) -> bytes:
    """An event message in MinIO's shape that says that `keys` were created, or removed."""
    name = "s3:ObjectRemoved:Delete" if removed else "s3:ObjectCreated:Put"
    records = [
        {
            "eventVersion": "2.0",
            "eventSource": "minio:s3",
            "eventName": name,
            "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key), "eTag": etag}},
        }
        for key in keys
    ]
    return json.dumps({"EventName": name, "Records": records}).encode()


def _json(value: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise PoisonMessageError(f"{len(value)} bytes that are no JSON") from error
    if not isinstance(message, dict):
        raise PoisonMessageError("JSON that is no S3 event: it is no object")
    return message


def _hint(entry: object) -> ObjectHint | None:
    match entry:
        case {"eventName": str(name), "eventSource": str(source), "s3": {"bucket": bucket, "object": described}}:
            family = _family(name)
            if family in _OF_NO_INTEREST:
                return None
            return _described(bucket, described, _is_raw(source, name), family in _REMOVED)
    raise PoisonMessageError("an S3 event record without its name, source, bucket or object")


def _family(name: str) -> str:
    family = name.removeprefix("s3:").partition(":")[0]
    if family != _CREATED and family not in _OF_NO_INTEREST | _REMOVED:
        raise PoisonMessageError(f"an S3 event of the unknown kind {name[:60]!r}")
    return family


def _is_raw(source: str, name: str) -> bool:
    """Only versitygw calls itself AWS and yet keeps the `s3:` before the event's name; it does not encode keys."""
    if source not in {"aws:s3", "minio:s3"}:
        raise PoisonMessageError(f"an S3 event from the unknown source {source[:60]!r}")
    return source == "aws:s3" and name.startswith("s3:")


def _described(bucket: object, described: object, raw: bool, removed: bool) -> ObjectHint:
    match bucket, described:
        case {"name": str(name)}, {"key": str(key), **others} if name and key:
            etag = str(others.get("eTag", ""))
            return ObjectHint(_utf8(key if raw else _decoded(key)), name, removed=removed, etag=etag)
    raise PoisonMessageError("an S3 event record that names no bucket or no object")


def _decoded(key: str) -> str:
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError as error:
        raise PoisonMessageError("an S3 event whose key is not URL-encoded UTF-8") from error


def _utf8(key: str) -> str:
    try:
        key.encode()
    except UnicodeEncodeError as error:
        raise PoisonMessageError("an S3 event whose key is no Unicode text") from error
    return key
