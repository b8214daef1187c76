"""Copies the slides of a cohort from the bucket in which the lab landed them."""

from collections.abc import Sequence
from pathlib import Path

from services.trainer.bucket.s3_uri import local_path
from services.trainer.errors import BadEmbeddingsError
from shared import keys
from shared.blob.port import BlobInfo, BlobStore
from shared.files import put_chunks
from shared.progress import Advance
from shared.units import CaseId

_PART = 64 << 20
"""Bytes that are read at once."""


def copy_slides(store: BlobStore, prefix: str, cases: Sequence[str], folder: Path, advance: Advance) -> Path:
    """Copy `prefix`slides/{case}/… of every case into `folder`, where each file of the same size stays.

    Its digest is compared with the embedded slide's when tiles are read. `advance` gets cases.

    Raises:
        BadEmbeddingsError: the bucket has no slide of any case.
        ObjectChangedError: a slide is overwritten or deleted meanwhile.
    """
    copied = 0
    for done, case in enumerate(cases, 1):
        for info in store.list(prefix + keys.slides(CaseId(case))):
            copied += 1
            _copy(store, info, local_path(folder, info.key.removeprefix(prefix)))
        advance(done, len(cases))
    if not copied:
        raise BadEmbeddingsError(f"none of the {len(cases)} cases has a slide in the bucket")
    return folder


def _copy(store: BlobStore, info: BlobInfo, copy: Path) -> None:
    if copy.is_file() and copy.stat().st_size == info.size:
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    starts = range(0, info.size, _PART)
    put_chunks(copy, (store.get_range(info, start, min(start + _PART, info.size)) for start in starts))
