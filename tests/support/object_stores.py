"""S3 stores on the session's real server."""

from pydantic import SecretStr

from shared.blob.s3 import S3Store
from shared.settings import S3Settings
from tests.support.parts import MinioPart


def s3_settings(minio: MinioPart, bucket: str) -> S3Settings:
    """Settings of a bucket of the server."""
    secret = SecretStr(minio.secret_key)
    return S3Settings(
        bucket=bucket, endpoint_url=minio.endpoint, access_key_id=minio.access_key, secret_access_key=secret
    )


def new_s3_store(minio: MinioPart) -> S3Store:
    """The store of a new, empty bucket."""
    return S3Store(s3_settings(minio, minio.bucket()))
