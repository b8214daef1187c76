"""`medulla rescore --bundle` verifies a bundle by the scorer's key before the pointer is moved."""

from pathlib import Path

import pytest

from services.standalone import running_system
from shared import keys
from shared.blob.memory import MemoryStore
from shared.model.bundle_files import sign
from shared.model.errors import BadSignatureError
from tests.support.fusion import write_bundle
from tests.support.signing import pair


def test_a_bundle_is_promoted_only_if_it_is_signed_by_the_scorers_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, bundle = MemoryStore(), write_bundle(tmp_path / "toy")
    private, public = pair()
    (tmp_path / "bundle.pem").write_bytes(public)
    monkeypatch.setenv("SCORER_BUNDLE_PUBLIC_KEY", str(tmp_path / "bundle.pem"))
    monkeypatch.setattr(running_system, "S3Store", lambda _: store)
    with pytest.raises(BadSignatureError):
        running_system.promote_bundle(bundle, despite_reservations=False)
    assert list(store.list("")) == []
    sign(bundle, private)
    promoted = running_system.promote_bundle(bundle, despite_reservations=False)
    assert promoted.digest.encode() in store.get(keys.CURRENT_BUNDLE)
