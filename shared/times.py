"""Times between protobuf and Python: aware, UTC, to the microsecond."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def when(stamp: Timestamp) -> datetime:
    """As Python's; an unset stamp is the epoch."""
    return stamp.ToDatetime(tzinfo=UTC)


def stamp(time: datetime) -> Timestamp:
    """As protobuf's."""
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp
