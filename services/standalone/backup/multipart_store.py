"""S3 objects of several parts: the size of their parts, and writing them in parts, so that they keep their etag."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.blob.port import BlobInfo
from shared.blob.s3 import S3Store

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef


class MultipartStore(S3Store):
    """A bucket whose objects may be larger than memory."""

    def part_size(self, info: BlobInfo) -> int:
        """Bytes of the first part of an object; the whole object where it was written in one."""
        if "-" not in info.etag:
            return info.size
        with self._faults(info.key):
            described = self._s3.head_object(Bucket=self._bucket, Key=self._home.whole(info.key), PartNumber=1)
        return described["ContentLength"]

    def put_parts(self, key: str, parts: Iterable[bytes]) -> None:
        """Write or replace an object, in parts of at least 5 MiB but for the last; nothing is written if one fails."""
        bucket, whole = self._bucket, self._home.whole(key)
        with self._faults(key):
            upload = self._s3.create_multipart_upload(Bucket=bucket, Key=whole)["UploadId"]
            try:
                written = [self._put_part(whole, upload, number, data) for number, data in enumerate(parts, 1)]
                self._s3.complete_multipart_upload(
                    Bucket=bucket, Key=whole, UploadId=upload, MultipartUpload={"Parts": written}
                )
            except BaseException:
                self._s3.abort_multipart_upload(Bucket=bucket, Key=whole, UploadId=upload)
                raise

    def _put_part(self, key: str, upload: str, number: int, data: bytes) -> "CompletedPartTypeDef":
        part = self._s3.upload_part(Bucket=self._bucket, Key=key, UploadId=upload, PartNumber=number, Body=data)
        return {"PartNumber": number, "ETag": part["ETag"]}
