"""For any changes of a bucket and any order of their events, the score is made from its last contents."""

from pathlib import Path

import pytest

from shared.blob.folder import FolderStore
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobStore
from shared.blob.s3 import S3Store
from tests.support.bucket_life import BucketLife
from tests.support.object_stores import s3_settings
from tests.support.parts import MinioPart

GONE = {"state": "CASE_STATE_WITHDRAWN", "slides": [], "record": "", "vectors": [], "left_out": [], "remarks": []}
"""A case of which everything was deleted."""


def check(folder: Path, store: BlobStore, seed: int, changes: int = 12) -> None:
    life = BucketLife(folder, store, seed, changes)
    try:
        life.live()
        for case, expected in life.expected(folder / "calm").items():
            assert life.shown(case) in ([expected] if expected else [{}, GONE]), f"seed {seed}, case {case}"
    finally:
        life.close()


@pytest.mark.parametrize("tens", range(10))
def test_the_last_object_wins(tmp_path: Path, tens: int) -> None:
    for seed in range(10 * tens, 10 * tens + 10):
        check(tmp_path / str(seed), MemoryStore(), seed)


def test_the_last_object_wins_in_a_folder(tmp_path: Path) -> None:
    for seed in range(10):
        check(tmp_path / str(seed), FolderStore(tmp_path / str(seed) / "bucket"), seed)


@pytest.mark.parametrize("versioned", [False, True])
def test_the_last_object_wins_on_s3(tmp_path: Path, minio: MinioPart, versioned: bool) -> None:
    for seed in range(5):
        bucket = minio.bucket()
        if versioned:
            minio.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        check(tmp_path / str(seed), S3Store(s3_settings(minio, bucket)), seed, changes=8)
