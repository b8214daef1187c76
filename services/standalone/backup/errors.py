"""Errors of backups and of restoring them."""

from shared.errors import PermanentError


class DamagedBackupError(PermanentError):
    """A file of a backup is missing, or its bytes are not those that were stored."""

    reason = "digest_mismatch"
    advice = "Restore another backup (`medulla restore --list`), and have the storage of this one examined."


class NoBackupError(PermanentError):
    """A folder holds no backup, or none of the name."""

    reason = "not_found"
    advice = "Name what `medulla backup --to` named, and one of the backups that `medulla restore --list` prints."


class UnsuitableTargetError(PermanentError):
    """A backup cannot be stored where it is to go, or not be made of this database."""

    reason = "bad_request"
    advice = "Name a folder, or another bucket as s3://BUCKET/FOLDER; the database must be PostgreSQL."


class NotEmptyError(PermanentError):
    """A database or bucket that a backup is to be restored into holds something."""

    reason = "bad_request"
    advice = "Restore into an empty database and an empty bucket: a restore overwrites nothing."


class NewerBackupError(PermanentError):
    """A backup was made by a newer program, whose tables this one does not know."""

    reason = "bad_request"
    advice = "Restore it by the version that made it, or a newer one."


class LostSinceError(PermanentError):
    """What is to be backed up has lost what the newest backup holds."""

    reason = "bad_request"
    advice = (
        "Restore the newest backup; back a system that was restored from an older one, or from which so much was "
        "deleted on purpose, up into another folder."
    )
