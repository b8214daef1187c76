"""Copies of what lies in buckets, so that every step reads files; what a run writes is put back."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from services.trainer.bucket.bags import copy_bags
from services.trainer.bucket.place import Place, local_path, place
from services.trainer.cohort.embeddings import INDEX
from services.trainer.errors import BadPlaceError
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
            BadPlaceError: there is no such object.
        """
        if (named := place(path)) is None:
            return path
        copy = self._local(named)
        copy.parent.mkdir(parents=True, exist_ok=True)
        put(copy, _read(self.store_of(named.bucket), named))
        return copy

    def folder(self, path: Path) -> Path:
        """The folder itself, or a copy of all objects below its name.

        Raises:
            BadPlaceError: there is no such object.
        """
        if (named := place(path)) is None:
            return path
        below = f"{named.key}/" if named.key else ""
        names = [info.key for info in self.store_of(named.bucket).list(below)]
        if not names:
            raise BadPlaceError(f"nothing lies below {named}/")
        for name in names:
            self.file(Path(f"s3://{named.bucket}/{name}"))
        return self._local(named)

    def bags(self, path: Path, cases: Sequence[str], advance: Advance) -> Path:
        """The folder of embeddings itself, or copies of the bags of `cases`: of a folder with index.csv, or embedded.

        Raises:
            BadEmbeddingsError: no case has an embedded slide, or a bag is gone or was altered.
        """
        if (named := place(path)) is None:
            return path
        store = self.store_of(named.bucket)
        if store.head(f"{named.key}/{INDEX}".lstrip("/")):
            return self.folder(path)
        return copy_bags(store, cases, self._local(named), advance)

    @contextmanager
    def output(self, path: Path) -> Iterator[Path]:
        """The folder itself, or one whose files are put into the bucket at the end, unless the work fails."""
        if (named := place(path)) is None:
            yield path
            return
        local = self._local(named)
        local.mkdir(parents=True, exist_ok=True)
        yield local
        store = self.store_of(named.bucket)
        for file in sorted(item for item in local.rglob("*") if item.is_file()):
            store.put(f"{named.key}/{file.relative_to(local).as_posix()}".lstrip("/"), file.read_bytes())

    def _local(self, named: Place) -> Path:
        return local_path(self.home / named.bucket, named.key)


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


def _read(store: BlobStore, named: Place) -> bytes:
    try:
        return store.get(named.key)
    except ObjectChangedError as error:
        raise BadPlaceError(f"there is no object {named}") from error
