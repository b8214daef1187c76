"""Copies of what lies in buckets, so that every step reads files; what a run writes is put back."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from services.trainer.bucket.bags import copy_bags
from services.trainer.bucket.s3_uri import S3Uri, local_path, s3_uri
from services.trainer.cohort.embeddings import INDEX
from services.trainer.errors import BadS3UriError
from shared.blob.port import BlobStore, ObjectChangedError
from shared.blob.s3 import S3Store
from shared.files import put
from shared.progress import Advance
from shared.settings import PlatformSettings, load

KEPT = "MEDULLA_COPIES"
"""Environment variable: a folder that keeps copies of buckets, so that a stopped run goes on. Else they are removed."""

StoreOf = Callable[[str], BlobStore]


@dataclass(frozen=True)
class Copies:
    """A folder of copies, each bucket in a folder of its own."""

    home: Path
    store_of: StoreOf

    def file(self, path: Path) -> Path:
        """The file itself, or a fresh copy of the object that it names.

        Raises:
            BadS3UriError: there is no such object.
        """
        if (uri := s3_uri(path)) is None:
            return path
        copy = self._local(uri)
        copy.parent.mkdir(parents=True, exist_ok=True)
        put(copy, _read(self.store_of(uri.bucket), uri))
        return copy

    def folder(self, path: Path) -> Path:
        """The folder itself, or a copy of all objects below its name.

        Raises:
            BadS3UriError: there is no such object.
        """
        if (uri := s3_uri(path)) is None:
            return path
        names = [info.key for info in self.store_of(uri.bucket).list(uri.prefix)]
        if not names:
            raise BadS3UriError(f"nothing lies below {uri}/")
        for name in names:
            self.file(Path(f"s3://{uri.bucket}/{name}"))
        return self._local(uri)

    def bags(self, path: Path, cases: Sequence[str], advance: Advance) -> Path:
        """The folder of embeddings itself, or a copy: of a whole folder with index.csv, else of the bags of `cases`.

        Raises:
            BadEmbeddingsError: no case has an embedded slide, or a bag is gone or was altered.
        """
        if (uri := s3_uri(path)) is None:
            return path
        store = self.store_of(uri.bucket)
        if store.head(uri.prefix + INDEX):
            return self.folder(path)
        return copy_bags(store, cases, self._local(uri), advance)

    @contextmanager
    def output(self, path: Path) -> Iterator[Path]:
        """The folder itself, or one whose files are put into the bucket at the end, unless the work fails."""
        if (uri := s3_uri(path)) is None:
            yield path
            return
        local = self._local(uri)
        local.mkdir(parents=True, exist_ok=True)
        yield local
        store = self.store_of(uri.bucket)
        for file in sorted(item for item in local.rglob("*") if item.is_file()):
            store.put(uri.prefix + file.relative_to(local).as_posix(), file.read_bytes())

    def _local(self, uri: S3Uri) -> Path:
        return local_path(self.home / uri.bucket, uri.key)


@contextmanager
def copies(store_of: StoreOf | None = None) -> Iterator[Copies]:
    """Copies in the folder of `MEDULLA_COPIES`, or in one that is removed at the end."""
    if kept := os.environ.get(KEPT):
        yield Copies(Path(kept), store_of or _bucket)
    else:
        with TemporaryDirectory(prefix="medulla-copies-") as folder:
            yield Copies(Path(folder), store_of or _bucket)


def _bucket(name: str) -> BlobStore:
    return S3Store(load(PlatformSettings).s3.model_copy(update={"bucket": name}))


def _read(store: BlobStore, uri: S3Uri) -> bytes:
    try:
        return store.get(uri.key)
    except ObjectChangedError as error:
        raise BadS3UriError(f"there is no object {uri}") from error
