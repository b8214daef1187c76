"""Settings of the place where backups are stored."""

from pydantic import field_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import S3Settings, ServiceSettings


class BackupS3Settings(S3Settings):
    """The object store of backups."""

    @field_validator("prefix")
    @classmethod
    def _is_of_the_command(cls, prefix: str) -> str:
        if prefix:
            raise ValueError("backups have no prefix; name a folder of the bucket, as s3://BUCKET/FOLDER")
        return prefix


class BackupSettings(ServiceSettings):
    """How to reach the object store of backups, e.g. `BACKUP_S3__ENDPOINT_URL=https://s3.elsewhere.example`."""

    model_config = SettingsConfigDict(env_prefix="BACKUP_")

    s3: BackupS3Settings | None = None
    """The bucket is the one that the command names; None: the object store of `MEDULLA_S3__…`."""
