"""Now, and times between protobuf and Python: aware, UTC, to the microsecond."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)


def utc_now() -> datetime:
    """This moment, aware."""
    return datetime.now(UTC)


def when(stamp: Timestamp) -> datetime:
    """As Python's; an unset stamp is the epoch."""
    return stamp.ToDatetime(tzinfo=UTC)


def stamp(time: datetime) -> Timestamp:
    """As protobuf's."""
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def time_of(revision: str) -> datetime:
    """The time in a case's revision, which begins with microseconds in 16 hex digits; the epoch if it has none."""
    try:
        return EPOCH + int(revision[:16], 16) * MICROSECOND
    except (ValueError, OverflowError):
        return EPOCH
