"""Copies of objects of buckets, so that every step reads files; uploads of what a run writes."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from services.trainer.bucket.bags import copy_bags
from services.trainer.bucket.s3_uri import S3Uri, is_s3_uri, local_path, s3_uri
from services.trainer.bucket.slides import copy_slides
from services.trainer.cohort.embeddings import INDEX
from services.trainer.errors import BadS3UriError
from shared.blob.port import BlobStore, ObjectChangedError
from shared.blob.s3 import S3Store
from shared.files import put
from shared.model.errors import BadBundleError, BadTargetError
from shared.model.manifest import MANIFEST
from shared.progress import Advance
from shared.settings import PlatformSettings, load

KEPT = "MEDULLA_COPIES"
"""Environment variable: a folder that keeps copies of buckets, so that a stopped run goes on. Else they are removed."""

_OUTPUTS = ".outputs"
"""Folder of what runs write, beside those of buckets, whose names begin with no dot."""
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
        return self._copied(self.store_of(uri.bucket), uri)

    def bundle(self, path: Path) -> Path:
        """The folder of a bundle itself, or a copy.

        Raises:
            BadBundleError: no bundle.json lies there.
        """
        if (uri := s3_uri(path)) is None:
            return path
        store = self.store_of(uri.bucket)
        if store.head(uri.prefix + MANIFEST) is None:
            raise BadBundleError(f"{uri} holds no {MANIFEST}, so it is no bundle")
        rmtree(self._local(uri), ignore_errors=True)
        return self._folder(store, uri)

    def bags(self, path: Path, cases: Sequence[str], advance: Advance) -> Path:
        """The folder of embeddings itself, or a copy: of a whole folder with index.csv, else of the bags of `cases`.

        Where there is no such folder, what stands behind the bucket names the encoder.

        Raises:
            BadEmbeddingsError: no case has an embedded slide, or a bag is gone or was altered.
        """
        if (uri := s3_uri(path)) is None:
            return path
        store = self.store_of(uri.bucket)
        if store.head(uri.prefix + INDEX):
            return self._folder(store, uri)
        return copy_bags(store, cases, self._local(uri), advance, uri.key)

    def folder(self, path: Path) -> Path:
        """The folder itself, or a copy of all objects below a name.

        Raises:
            BadS3UriError: there are none.
        """
        if (uri := s3_uri(path)) is None:
            return path
        store = self.store_of(uri.bucket)
        if next(iter(store.list(uri.prefix)), None) is None:
            raise BadS3UriError(f"there are no objects below {uri}")
        rmtree(self._local(uri), ignore_errors=True)
        return self._folder(store, uri)

    def slides(self, path: Path, cases: Sequence[str], advance: Advance) -> Path:
        """The folder itself, or a copy of what lies below its `slides/{case}/` of `cases`.

        Raises:
            BadEmbeddingsError: no case has a slide there.
        """
        if (uri := s3_uri(path)) is None:
            return path
        return copy_slides(self.store_of(uri.bucket), uri.prefix, cases, self._local(uri), advance)

    @contextmanager
    def encoder_output(self, path: Path) -> Iterator[Path]:
        """As `output`, of an encoder, which replaces nothing.

        Raises:
            BadS3UriError: objects lie there.
        """
        if (uri := s3_uri(path)) and next(iter(self.store_of(uri.bucket).list(uri.prefix)), None):
            raise BadS3UriError(f"{uri} holds objects, and an encoder replaces none")
        with self.output(path) as folder:
            yield folder

    @contextmanager
    def output(self, path: Path) -> Iterator[Path]:
        """The folder itself, or one whose files are put into the bucket at the end, unless the work fails.

        It holds no copies: what a run reads is never put back.
        """
        if (uri := s3_uri(path)) is None:
            yield path
            return
        local = local_path(self.home / _OUTPUTS / uri.bucket, uri.key)
        local.mkdir(parents=True, exist_ok=True)
        yield local
        store = self.store_of(uri.bucket)
        for file in _manifest_first(local):
            store.put(uri.prefix + file.relative_to(local).as_posix(), file.read_bytes())

    @contextmanager
    def bundle_output(self, path: Path) -> Iterator[Path]:
        """As `output`, of a bundle, which replaces one that lies there.

        Raises:
            BadTargetError: objects lie there that are no bundle.
        """
        if (uri := s3_uri(path)) is None:
            yield path
            return
        store = self.store_of(uri.bucket)
        older = {info.key for info in store.list(uri.prefix)}
        if older and uri.prefix + MANIFEST not in older:
            raise BadTargetError(f"{uri} holds objects and is no bundle, so it is not replaced")
        with self.output(path) as folder:
            yield folder
        written = {uri.prefix + file.relative_to(folder).as_posix() for file in _manifest_first(folder)}
        for key in older - written:
            store.delete(key)

    def _folder(self, store: BlobStore, uri: S3Uri) -> Path:
        """A copy of all objects below a name; empty ones that stand for folders are left out."""
        for info in store.list(uri.prefix):
            if not info.key.endswith("/"):
                self._copied(store, S3Uri(uri.bucket, info.key))
        return self._local(uri)

    def _copied(self, store: BlobStore, uri: S3Uri) -> Path:
        copy = self._local(uri)
        copy.parent.mkdir(parents=True, exist_ok=True)
        put(copy, _read(store, uri))
        return copy

    def _local(self, uri: S3Uri) -> Path:
        return local_path(self.home / uri.bucket, uri.key)


@contextmanager
def copies(store_of: StoreOf | None = None) -> Iterator[Copies]:
    """Copies in the folder of `MEDULLA_COPIES`, or in one that is removed at the end."""
    if kept := os.environ.get(KEPT):
        yield Copies(Path(kept), store_of or bucket_store)
    else:
        with TemporaryDirectory(prefix="medulla-copies-") as folder:
            yield Copies(Path(folder), store_of or bucket_store)


def keeps(out: Path) -> bool:
    """Whether what a stopped run wrote into `out` is still there when the same command is given again."""
    return not is_s3_uri(out) or bool(os.environ.get(KEPT))


def _manifest_first(folder: Path) -> list[Path]:
    """The files below a folder; with its bundle.json first, a bundle that was put there in part can be replaced."""
    return sorted(
        (item for item in folder.rglob("*") if item.is_file()), key=lambda file: (file.name != MANIFEST, file)
    )


def bucket_store(name: str) -> BlobStore:
    """A bucket of the object store that the platform's settings name; of their own bucket what is below its prefix.

    Raises:
        BadSettingsError: they are missing or wrong.
    """
    return S3Store(load(PlatformSettings).s3.of(name))


def _read(store: BlobStore, uri: S3Uri) -> bytes:
    try:
        return store.get(uri.key)
    except ObjectChangedError as error:
        raise BadS3UriError(f"there is no object {uri}") from error
