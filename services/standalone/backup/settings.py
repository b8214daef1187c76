"""Settings of the place where backups are stored."""

from pydantic_settings import SettingsConfigDict

from shared.settings import S3Settings, ServiceSettings


class BackupSettings(ServiceSettings):
    """How to reach the object store of backups, e.g. `BACKUP_S3__ENDPOINT_URL=https://s3.elsewhere.example`."""

    model_config = SettingsConfigDict(env_prefix="BACKUP_")

    s3: S3Settings | None = None
    """The bucket is the one that the command names; None: the object store of `MEDULLA_S3__…`."""
