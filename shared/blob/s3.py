"""S3 as object store: conditional writes, reads pinned to a version, every fault a clear TransientError."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from urllib3.exceptions import HTTPError

from shared import aws
from shared.blob.port import BlobInfo, NoObjectError, ObjectChangedError, is_named
from shared.errors import TransientError
from shared.settings import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        GetObjectRequestTypeDef,
        ObjectIdentifierTypeDef,
        PutObjectRequestTypeDef,
    )

T = TypeVar("T")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GONE = {"404", "NoSuchKey", "NotFound", "NoSuchVersion"}
_USER_AGENT = "medulla"
"""In the store's access log; botocore's own is put together anew for each request, which takes a tenth of its time."""
_CONFLICT = "ConditionalRequestConflict"
_EXISTS = {"412", "PreconditionFailed"}
_NO_CONDITION = "NotImplemented"
"""The answer of a store that writes on no such condition."""

_ABSENT = ""
"""In place of an ETag: the object must not exist."""


class _RefusedError(TransientError):
    """The store answered with an error; unless the caller handles the code, it is retried later."""

    def __init__(self, code: str, where: str) -> None:
        super().__init__(f"the object store refused {where}: {code}")
        self.code = code


class _BrokenOffError(TransientError):
    """The connection broke while a body was read."""


class S3Store:
    """One bucket, or the part of it below a prefix; keys given and returned omit the prefix.

    It is safe to share between threads.

    Each try of a request has a deadline, and there are `max_attempts` tries. Digests are kept as metadata `sha256`.
    `renew` gives the keys of each request where the settings have keys.
    """

    def __init__(self, settings: S3Settings, renew: Callable[[], S3Settings] | None = None) -> None:
        self._bucket, self._home = settings.bucket, settings.home
        self._attempts = settings.max_attempts
        self._s3 = client(settings, renew)

    def reachable(self) -> bool:
        """Whether the bucket exists and may be listed below the prefix.

        Raises:
            TransientError: the store does not answer.
        """
        with self._faults("bucket"):
            self._s3.list_objects_v2(Bucket=self._bucket, Prefix=self._home.prefix, MaxKeys=1)
        return True

    def head(self, key: str) -> BlobInfo | None:
        """Describe the object, or None where there is none."""
        try:
            with self._faults(key):
                return _info(
                    key, self._s3.head_object(Bucket=self._bucket, Key=self._home.whole(key), ChecksumMode="ENABLED")
                )
        except _RefusedError as refused:
            if refused.code not in _GONE:
                raise
            return None

    def get(self, key: str) -> bytes:
        """Read a whole object, and check it where its digest is known."""
        try:
            described, data = self._again(lambda: self._read(key, self._named(key)))
        except _RefusedError as refused:
            if refused.code not in _GONE:
                raise
            raise NoObjectError(f"there is no object {key!r}") from None
        stated = _sha256(described)
        if stated and sha256(data).hexdigest() != stated:
            raise ObjectChangedError(f"the bytes of object {key!r} do not match its sha256")
        return data

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        """Read bytes [start, end) of exactly the version that `info` describes."""
        if start >= (end := min(end, info.size)):
            return b""
        span, version = f"bytes={start}-{end - 1}", f'"{info.etag}"'
        try:
            request: GetObjectRequestTypeDef = {**self._named(info.key), "Range": span, "IfMatch": version}
            return self._again(lambda: self._read(info.key, request))[1]
        except _RefusedError as refused:
            if refused.code not in _GONE | _EXISTS:
                raise
            raise ObjectChangedError(f"object {info.key!r} was overwritten or deleted while it was read") from None

    def put_new(self, key: str, data: bytes) -> bool:
        """Write an object that must not exist yet, atomically; False where it does.

        Also False if the response to an earlier try of this call was lost, although that try wrote the object.
        """
        return self._put_if(key, data, _ABSENT) is not None

    def put(self, key: str, data: bytes) -> BlobInfo:
        """Write or replace an object, atomically."""
        return self._put(key, data)

    def replace(self, info: BlobInfo, data: bytes) -> BlobInfo | None:
        """Write over the version that `info` describes, atomically; None, and nothing written, where it is gone.

        Also None if the response to an earlier try of this call was lost, although that try wrote the object.
        """
        try:
            return self._put_if(info.key, data, info.etag)
        except _RefusedError as refused:
            if refused.code in _GONE:
                return None
            if refused.code != _NO_CONDITION:
                raise
            now = self.head(info.key)
            return self._put(info.key, data) if now and now.etag == info.etag else None

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """Every object whose key starts with `prefix`, in key order; pages are fetched as they are needed."""
        below = self._home.whole(prefix)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=below)
        with self._faults(prefix):
            for page in pages:
                for item in page.get("Contents", ()):
                    key, at = item["Key"].removeprefix(self._home.prefix), item["LastModified"].astimezone(UTC)
                    yield BlobInfo(key, item["Size"], item["ETag"].strip('"'), at)

    def delete(self, key: str) -> None:
        """Remove the object; fine where there is none."""
        with self._faults(key):
            self._s3.delete_object(Bucket=self._bucket, Key=self._home.whole(key))

    def erase(self, name: str) -> int:
        """Remove an object, or all below a `name` that ends in a slash: versions, markers, unfinished uploads."""
        with self._faults(name):
            whole = self._home.whole(name)
            erased = {key for batch in self._kept(whole) for key in self._delete_all(batch)}
            self._abort_uploads(whole)
        return len(erased)

    def _kept(self, name: str) -> Iterator[Sequence["ObjectIdentifierTypeDef"]]:
        """All versions stored under a name, page by page."""
        versioned = "Status" in self._s3.get_bucket_versioning(Bucket=self._bucket)
        if not versioned:
            for plain in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=name):
                yield [{"Key": item["Key"]} for item in plain.get("Contents", ()) if is_named(item["Key"], name)]
            return
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=name):
            kept = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            yield [{"Key": it["Key"], "VersionId": it["VersionId"]} for it in kept if is_named(it["Key"], name)]

    def _delete_all(self, batch: Sequence["ObjectIdentifierTypeDef"]) -> set[str]:
        if not batch:
            return set()
        answer = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True})
        if refused := answer.get("Errors"):
            code = refused[0].get("Code", "")
            raise TransientError(f"the object store kept {len(refused)} of {len(batch)} objects to be erased: {code}")
        return {item["Key"] for item in batch}

    def _abort_uploads(self, name: str) -> None:
        for page in self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=name):
            for upload in page.get("Uploads", ()):
                if is_named(upload["Key"], name):
                    where = upload["Key"], upload["UploadId"]
                    self._s3.abort_multipart_upload(Bucket=self._bucket, Key=where[0], UploadId=where[1])

    def _named(self, key: str) -> "GetObjectRequestTypeDef":
        return {"Bucket": self._bucket, "Key": self._home.whole(key)}

    def _read(self, key: str, request: "GetObjectRequestTypeDef") -> tuple[Mapping[str, Any], bytes]:
        with self._faults(key):
            answer = self._s3.get_object(**request)
        with closing(answer["Body"]) as body:
            try:
                return answer, body.read()
            except (BotoCoreError, HTTPError) as error:
                raise _BrokenOffError(f"reading {key!r} broke off: {type(error).__name__}") from error

    def _again(self, read: Callable[[], T]) -> T:
        """Read again if a body breaks off: the client's own retries end with the headers."""
        for _ in range(self._attempts - 1):
            try:
                return read()
            except _BrokenOffError:
                continue
        return read()

    def _put_if(self, key: str, data: bytes, over: str) -> BlobInfo | None:
        """Write an object over the version of an ETag alone; None where it is another."""
        for _ in range(self._attempts):
            try:
                return self._put(key, data, over)
            except _RefusedError as refused:
                if refused.code in _EXISTS:
                    return None
                if refused.code != _CONFLICT:
                    raise
        raise TransientError(f"others kept writing object {key!r} of bucket {self._bucket!r}")

    def _put(self, key: str, data: bytes, over: str | None = None) -> BlobInfo:
        digest = sha256(data)
        request: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": self._home.whole(key),
            "Body": data,
            "ChecksumSHA256": base64.b64encode(digest.digest()).decode(),
            "Metadata": {"sha256": digest.hexdigest()},
        }
        if over == _ABSENT:
            request["IfNoneMatch"] = "*"
        elif over:
            request["IfMatch"] = f'"{over}"'
        with self._faults(key):
            written = self._s3.put_object(**request)
        at = parsedate_to_datetime(written["ResponseMetadata"]["HTTPHeaders"]["date"])
        etag, version = written["ETag"].strip('"'), written.get("VersionId", "")
        return BlobInfo(key, len(data), etag, at.astimezone(UTC), version, digest.hexdigest())

    @contextmanager
    def _faults(self, key: str) -> Iterator[None]:
        where = f"{key!r} in bucket {self._bucket!r} at {self._s3.meta.endpoint_url}"
        try:
            yield
        except ParamValidationError:
            raise
        except ClientError as error:
            raise _RefusedError(error.response.get("Error", {}).get("Code", ""), where) from error
        except BotoCoreError as error:
            raise TransientError(f"the object store does not answer for {where}: {type(error).__name__}") from error


def client(settings: S3Settings, renew: Callable[[], S3Settings] | None = None) -> "S3Client":
    """A boto3 client with deadlines, for operations that the port lacks, such as creating the bucket."""
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": settings.addressing_style},
        connect_timeout=settings.connect_timeout_s,
        read_timeout=settings.read_timeout_s,
        max_pool_connections=settings.max_connections,
        retries={"total_max_attempts": settings.max_attempts, "mode": "standard"},
        user_agent=_USER_AGENT,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    current = renew or (lambda: settings)
    keys = (lambda: _keys(current())) if settings.access_key_id is not None else None
    s3: S3Client = aws.client("s3", settings.region, settings.endpoint_url, config, keys)
    return s3


def _keys(settings: S3Settings) -> ReadOnlyCredentials:
    secret = settings.secret_access_key
    return ReadOnlyCredentials(settings.access_key_id or "", secret.get_secret_value() if secret else "", None)


def _info(key: str, head: Mapping[str, Any]) -> BlobInfo:
    version = head.get("VersionId", "")
    etag, at = head["ETag"].strip('"'), head["LastModified"].astimezone(UTC)
    return BlobInfo(key, head["ContentLength"], etag, at, "" if version == "null" else version, _sha256(head))


def _sha256(head: Mapping[str, Any]) -> str:
    """Digest of the whole object: our own metadata, else the store's checksum unless it is composite."""
    stated = str(head.get("Metadata", {}).get("sha256", "")).lower()
    if _SHA256.fullmatch(stated):
        return stated
    checksum = head.get("ChecksumSHA256", "")
    whole = head.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT" and "-" not in checksum
    return base64.b64decode(checksum).hex() if whole else ""
