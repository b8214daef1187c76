"""Backups of the running system, as the settings of this process name its parts."""

from contextlib import closing
from functools import partial
from pathlib import Path

from services.results.settings import ResultsSettings
from services.results.sql_store import SqlStore
from services.standalone.backup.backup_store import BackupStore
from services.standalone.backup.erasures import on_the_bus
from services.standalone.backup.errors import UnsuitableTargetError
from services.standalone.backup.making import MakeBackup
from services.standalone.backup.manifest import Manifest
from services.standalone.backup.multipart_store import MultipartStore
from services.standalone.backup.restoring import Restore, Restored
from services.standalone.backup.settings import BackupSettings
from services.trainer.bucket.s3_uri import s3_uri
from shared.blob.folder import FolderStore
from shared.blob.s3 import S3Store
from shared.progress import Advance
from shared.settings import PlatformSettings, S3Settings, load


def backups(where: Path) -> BackupStore:
    """The backups in a folder, or in a bucket named as `s3://BUCKET/FOLDER`.

    Raises:
        UnsuitableTargetError: it is the bucket that is backed up.
        BadS3UriError: it names no bucket.
    """
    uri = s3_uri(where)
    if uri is None:
        where.mkdir(parents=True, exist_ok=True)
        return BackupStore(FolderStore(where))
    own = load(PlatformSettings).s3
    settings = (load(BackupSettings).s3 or own).model_copy(update={"bucket": uri.bucket, "prefix": ""})
    if _same_bucket(settings, own):
        raise UnsuitableTargetError(f"bucket {uri.bucket!r} is the one that is backed up: both would be lost together")
    return BackupStore(S3Store(settings), uri.prefix)


def make(where: Path, without: list[str], kept: int | None) -> tuple[Manifest, list[str]]:
    """Make a backup, and remove all but the newest `kept`; returns it and the names of those that were removed.

    Raises:
        BadSettingsError: MEDULLA_…, RESULTS_… or BACKUP_… variables are wrong.
        LostSinceError, TransientError: see MakeBackup.
    """
    platform, store = load(PlatformSettings), backups(where)
    with closing(_results()) as results:
        results.check()
        manifest = MakeBackup(results.engine, MultipartStore(platform.s3), store)(without)
    return manifest, store.forget(kept) if kept else []


def restore(store: BackupStore, manifest: Manifest, only: str, advance: Advance) -> Restored:
    """Restore a backup; `only` is database, bucket, or empty for both.

    Raises:
        BadSettingsError, NotEmptyError, DamagedBackupError, NewerBackupError, TransientError: see Restore.
    """
    platform = load(PlatformSettings)
    with closing(_results()) as results:
        restoring = Restore(results, MultipartStore(platform.s3), store, partial(on_the_bus, platform.kafka))
        return restoring(manifest, database=only != "bucket", bucket=only != "database", advance=advance)


def check(store: BackupStore, manifest: Manifest) -> int:
    """Read every part of a backup; returns their number.

    Raises:
        DamagedBackupError: one is missing or was altered.
    """
    return sum(1 for digest in set(store.parts_of(manifest)) if store.part(digest))


def _results() -> SqlStore:
    url = load(ResultsSettings).database_url.get_secret_value()
    return SqlStore(url, blobs=S3Store(load(PlatformSettings).s3))


def _same_bucket(settings: S3Settings, own: S3Settings) -> bool:
    return (settings.endpoint_url, settings.bucket) == (own.endpoint_url, own.bucket)
