"""Where backups lie: parts named after their digests, which backups share, and a manifest for each backup."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from pydantic import ValidationError

from services.standalone.backup import manifest as manifests
from services.standalone.backup.errors import DamagedBackupError, NoBackupError
from services.standalone.backup.manifest import Manifest, ObjectCopy
from shared.blob.port import BlobStore, ObjectChangedError
from shared.canonical import sha256
from shared.times import utc_now
from shared.units import Sha256

_LINES = 10_000
"""Objects in a part of the index."""
_UNFINISHED_FOR = timedelta(days=2)
"""A part without a manifest may be of a backup that is being made; older ones are of one that was stopped."""


@dataclass(frozen=True)
class BackupStore:
    """Backups below `prefix` of a folder or bucket."""

    store: BlobStore
    prefix: str = ""
    """Empty, or ends in a slash."""

    def put_part(self, data: bytes) -> Sha256:
        """Store bytes once; returns their name."""
        digest = sha256(data)
        if self.store.head(self._part(digest)) is None:
            self.store.put(self._part(digest), data)
        return digest

    def part(self, digest: Sha256) -> bytes:
        """Read bytes, and check them.

        Raises:
            DamagedBackupError: they are missing or were altered.
        """
        try:
            data = self.store.get(self._part(digest))
        except ObjectChangedError as error:
            raise DamagedBackupError(f"part {digest[:12]} of the backup is missing or was altered") from error
        if sha256(data) != digest:
            raise DamagedBackupError(f"part {digest[:12]} of the backup was altered")
        return data

    def put_packed(self, data: bytes) -> Sha256:
        """Store bytes compressed; the same bytes give the same part."""
        return self.put_part(gzip.compress(data, compresslevel=6, mtime=0))

    def packed(self, digest: Sha256) -> bytes:
        """Read compressed bytes.

        Raises:
            DamagedBackupError: they are missing or were altered.
        """
        try:
            return gzip.decompress(self.part(digest))
        except (EOFError, OSError, zlib.error) as error:
            raise DamagedBackupError(f"part {digest[:12]} of the backup is not compressed") from error

    def put_index(self, objects: Iterable[ObjectCopy]) -> Iterator[tuple[Sha256, list[ObjectCopy]]]:
        """Store what is listed of the bucket, a number of objects at a time; yields each part with its objects."""
        listed = iter(objects)
        while batch := list(islice(listed, _LINES)):
            yield self.put_packed("".join(f"{each.model_dump_json()}\n" for each in batch).encode()), batch

    def index(self, manifest: Manifest) -> Iterator[ObjectCopy]:
        """The objects of a backup, in the order of keys."""
        for digest in manifest.index:
            for line in self.packed(digest).splitlines():
                try:
                    yield ObjectCopy.model_validate_json(line)
                except ValidationError as error:
                    raise DamagedBackupError(f"the index of backup {manifest.name} cannot be read") from error

    def finish(self, manifest: Manifest) -> None:
        """Store a manifest, with which the backup is complete."""
        self.store.put(self._manifest(manifest.name), manifests.to_bytes(manifest))

    def names(self) -> list[str]:
        """Names of the complete backups, the oldest first."""
        folder = self._manifest("").removesuffix(".json")
        return [info.key.removeprefix(folder).removesuffix(".json") for info in self.store.list(folder)]

    def manifest(self, name: str = "") -> Manifest:
        """The backup of a name, or the newest.

        Raises:
            NoBackupError: there is none.
            DamagedBackupError: its manifest was altered.
        """
        names = self.names()
        if not names or (name and name not in names):
            raise NoBackupError(f"there is no backup {name}".rstrip() + " here")
        name = name or names[-1]
        return manifests.from_bytes(self.store.get(self._manifest(name)), name)

    def forget(self, kept: int) -> list[str]:
        """Remove all but the newest backups, and the parts that no other backup needs; returns their names."""
        obsolete = self.names()[:-kept]
        for name in obsolete:
            self.store.delete(self._manifest(name))
        if obsolete:
            self._remove_unused()
        return obsolete

    def _remove_unused(self) -> None:
        used = {bytes.fromhex(digest) for name in self.names() for digest in self.parts_of(self.manifest(name))}
        until = utc_now() - _UNFINISHED_FOR
        for info in self.store.list(f"{self.prefix}parts/"):
            if info.last_modified < until and bytes.fromhex(info.key.rpartition("/")[2]) not in used:
                self.store.delete(info.key)

    def parts_of(self, manifest: Manifest) -> Iterator[Sha256]:
        """Every part that a backup needs, also those that it names twice."""
        yield from manifest.index
        for table in manifest.tables:
            yield from table.parts
        for each in self.index(manifest):
            yield from each.parts

    def _part(self, digest: str) -> str:
        return f"{self.prefix}parts/{digest[:2]}/{digest}"

    def _manifest(self, name: str) -> str:
        return f"{self.prefix}backups/{name}.json"
