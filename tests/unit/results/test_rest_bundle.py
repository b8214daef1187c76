"""People see by which bundle scores are made, and why a newer one is not used."""

from datetime import UTC, datetime

from fastapi.testclient import TestClient

from services.results.rest import create_app
from shared import keys
from shared.bundle_in_use import BundleInUse
from shared.units import Sha256
from tests.support.results import Results

IN_USE = BundleInUse(Sha256("a" * 64), "toy", datetime(2026, 3, 2, tzinfo=UTC), "the promoted bundle cannot be used")
EMPTY = {"name": "", "digest": "", "since": "", "refused": ""}


def test_the_bundle_in_use_is_what_the_bucket_says(results: Results) -> None:
    with TestClient(create_app(results.backends()), base_url="http://127.0.0.1") as client:
        assert client.get("/api/v1/bundle").json() == EMPTY
        IN_USE.put(results.blobs)
        assert client.get("/api/v1/bundle").json() == {
            "name": "toy",
            "digest": "a" * 64,
            "since": "2026-03-02T00:00:00+00:00",
            "refused": "the promoted bundle cannot be used",
        }
        results.blobs.put(keys.BUNDLE_IN_USE, b'{"digest": 1}')
        assert client.get("/api/v1/bundle").json() == EMPTY
