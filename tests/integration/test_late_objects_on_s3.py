"""Late objects of an erased case on a real, versioned object store: every version of them goes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.fusion_scorer.late_objects import SweepErased
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.routes import on_landing
from services.fusion_scorer.score_case import ScoreCase
from shared import keys
from shared.blob.s3 import S3Store, client
from shared.bus.memory import MemoryBus
from shared.bus.s3_events import ObjectHint
from shared.canonical import sha256
from shared.settings import S3Settings
from shared.units import CaseId
from tests.support.erasures import INTERRUPTIONS, erase, keys_of, kill_tiler
from tests.support.object_stores import new_s3_store, s3_settings
from tests.support.parts import MinioPart
from tests.support.slides import cc0_bytes
from tests.support.tiling import tiling
from tests.support.vector_bundle import vector_json, write_vector_bundle

CASE, OTHER = CaseId("canary-7"), CaseId("canary-77")
SLIDE = sha256(cc0_bytes())


def _versioned(minio: MinioPart) -> S3Settings:
    """A new bucket that keeps versions."""
    settings = s3_settings(minio, minio.bucket())
    client(settings).put_bucket_versioning(Bucket=settings.bucket, VersioningConfiguration={"Status": "Enabled"})
    return settings


def _versions_of(settings: S3Settings) -> set[str]:
    """Keys of all versions and delete markers of a bucket."""
    versions = client(settings).list_object_versions(Bucket=settings.bucket)
    return {kept["Key"] for kept in (*versions.get("Versions", ()), *versions.get("DeleteMarkers", ()))}


def _after_a_year(store: S3Store) -> SweepErased:
    return SweepErased(store, now=lambda: datetime(2100, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("interrupted_at", "dies_after"), INTERRUPTIONS)
def test_no_version_of_a_plan_stays_whose_tiler_was_killed_after_the_erasure(
    interrupted_at: int, dies_after: int, minio: MinioPart, tmp_path: Path
) -> None:
    settings = _versioned(minio)
    store = S3Store(settings)
    kill_tiler(store, tmp_path, CASE, interrupted_at, dies_after)
    assert len(list(store.list(f"plans/{SLIDE}/"))) == dies_after - interrupted_at
    SweepErased(store)()
    assert _versions_of(settings) == {keys.erased(CASE), keys.erased_slide(SLIDE)}


def test_a_late_object_goes_that_was_deleted_and_has_versions_only(minio: MinioPart) -> None:
    settings = _versioned(minio)
    store, chunk = S3Store(settings), f"embeddings/{SLIDE}/part-00000.safetensors"
    store.put(keys.landed_slide(CASE, SLIDE), f"plans/{SLIDE}/".encode())
    erase(store, CASE)
    store.put(chunk, b"late")
    store.delete(chunk)
    _after_a_year(store)()
    assert _versions_of(settings) == {keys.erased(CASE)}


def test_no_version_of_a_vector_or_of_what_is_kept_of_it_stays_of_an_erased_case(
    minio: MinioPart, tmp_path: Path
) -> None:
    settings, folder = _versioned(minio), tmp_path / "bundle"
    store = S3Store(settings)
    promote(store, write_vector_bundle(folder))
    landing = on_landing(store, Bundles(store), MemoryBus().producer())
    for value in (10, 12):
        key = keys.vector(CASE, "blood")
        store.put(key, vector_json("blood", CASE, hb=value))
        assert len(list(landing(ObjectHint(key, settings.bucket)))) == 1
        ScoreCase(store, Bundles(store), "0.0")(CASE)
    assert len([key for key in keys_of(store) if CASE in key]) > 3
    erase(store, CASE)
    assert {key for key in _versions_of(settings) if not key.startswith("models/")} == {keys.erased(CASE)}


def test_a_case_that_holds_the_slide_too_keeps_it_however_old_its_mark_is(minio: MinioPart, tmp_path: Path) -> None:
    store = new_s3_store(minio)
    with tiling(tmp_path, store=store) as tiler:
        tiler.plan(f"{keys.slides(OTHER)}S.svs", cc0_bytes())
        living = keys_of(store)
        tiler.plan(f"{keys.slides(CASE)}S.svs", cc0_bytes())
    erase(store, CASE)
    _after_a_year(store)()
    assert set(keys_of(store)) == {*living, keys.erased(CASE)}
