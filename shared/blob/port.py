"""The object store's interface; one contract test checks `s3`, `folder` and `memory`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.errors import PermanentError


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """One version of one object, as the store describes it."""

    key: str
    size: int
    """Bytes."""
    etag: str
    """Without quotes; changes whenever the bytes may have changed."""
    last_modified: datetime
    """Aware, UTC."""
    version_id: str = ""
    """Empty where the store keeps no versions."""
    sha256: str = ""
    """Hex digest of the whole object where the store or its metadata states one, else empty."""


class ObjectChangedError(PermanentError):
    """The object was overwritten or deleted while it was read, or its bytes do not match its checksum."""

    reason = "digest_mismatch"
    advice = "A new version is processed by itself once it is complete; for a deleted one nothing is to be done."

    def __init__(self, sentence: str, slide_digest: str = "") -> None:
        super().__init__(sentence)
        self.slide_digest = slide_digest
        """Digest of the slide that was worked on, of which plans or embeddings may be stored; empty if unknown."""


class NoObjectError(ObjectChangedError):
    """There is no such object, or no longer."""


def is_named(key: str, name: str) -> bool:
    """Whether `key` is the object `name`, or lies below a `name` that ends in a slash."""
    return key == name or (name.endswith("/") and key.startswith(name))


class BlobStore(Protocol):
    """Objects by key, inside one bucket. Every method may raise TransientError when the store is down."""

    def head(self, key: str) -> BlobInfo | None:
        """Describe the object, or None where there is none."""

    def get(self, key: str) -> bytes:
        """Read a whole object.

        Raises:
            NoObjectError: there is no such object.
            ObjectChangedError: its bytes do not match its checksum.
        """

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        """Read bytes [start, end) of exactly the version that `info` describes.

        Raises:
            ObjectChangedError: the object is no longer that version.
        """

    def put_new(self, key: str, data: bytes) -> bool:
        """Write an object that must not exist yet, atomically; False, and nothing written, where it does."""

    def put(self, key: str, data: bytes) -> BlobInfo:
        """Write or replace an object, atomically. For pointers only: derived objects are written once."""

    def replace(self, info: BlobInfo, data: bytes) -> BlobInfo | None:
        """Write over the version that `info` describes, atomically; None, and nothing written, where it is gone.

        Where the store has no conditional writes, another writer may come between the check and the write.
        """

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """Every object whose key starts with `prefix`, in key order."""

    def delete(self, key: str) -> None:
        """Remove the object; fine where there is none."""

    def erase(self, name: str) -> int:
        """Remove an object, or all below a `name` that ends in a slash, with every version that is kept; how many."""


def read_if_there(store: BlobStore, key: str) -> bytes | None:
    """A whole object by one request, or None where there is none.

    Raises:
        ObjectChangedError: its bytes do not match its checksum.
    """
    try:
        return store.get(key)
    except NoObjectError:
        return None
