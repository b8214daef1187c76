"""Versions of objects as messages carry them."""

from medulla.v1.common_pb2 import StoredObject

from shared.blob.port import BlobInfo
from shared.times import stamp, when


def to_message(info: BlobInfo) -> StoredObject:
    """The message of a version; it carries no checksum."""
    return StoredObject(
        key=info.key,
        etag=info.etag,
        version_id=info.version_id,
        size_bytes=info.size,
        last_modified=stamp(info.last_modified),
    )


def from_message(stored: StoredObject) -> BlobInfo:
    """The version that a message carries."""
    return BlobInfo(stored.key, stored.size_bytes, stored.etag, when(stored.last_modified), stored.version_id)
