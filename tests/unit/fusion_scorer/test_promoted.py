"""The promoted bundle: what was altered or points nowhere is refused."""

from pathlib import Path

import pytest

from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.promoted import promote
from services.fusion_scorer.stored_files import StoredFiles
from shared import model_keys
from shared.model.bundle_files import sign, verify
from shared.model.errors import BadBundleError
from shared.units import Sha256
from tests.support.fusion import facts, write_bundle
from tests.support.scorer import CASE, Scorer
from tests.support.signing import pair


def test_a_stored_bundle_altered_by_one_byte_is_refused(scorer: Scorer) -> None:
    key = model_keys.bundle_prefix(verify(scorer.folder / "toy").digest) + "clinical.json"
    scorer.store.put(key, scorer.store.get(key) + b" ")
    scorer.slide("A", (0, 2))
    with pytest.raises(BadBundleError, match=r"clinical\.json of models/bundles/"):
        scorer.score_case(CASE)


def test_a_stored_bundle_json_under_a_foreign_digest_is_refused(scorer: Scorer) -> None:
    other = Sha256("f" * 64)
    for name, data in verify(scorer.folder / "toy").files.items():
        scorer.store.put(model_keys.bundle_prefix(other) + name, data)
    assert verify(StoredFiles(scorer.store, other)).digest != other
    with pytest.raises(BadBundleError, match="its SHA-256 is another"):
        scorer.bundles.by_digest(other)


@pytest.mark.parametrize("pointer", [b"", b"[]", b'{"name": "toy"}', b"{"])
def test_a_garbled_pointer_is_refused(scorer: Scorer, pointer: bytes) -> None:
    scorer.store.put(model_keys.CURRENT_BUNDLE, pointer)
    with pytest.raises(BadBundleError, match=r"current\.json does not name a bundle"):
        scorer.bundles.promoted()


def test_no_bundle_is_said_as_such(tmp_path: Path) -> None:
    with pytest.raises(NoBundleError):
        Scorer(tmp_path).bundles.promoted()


def test_a_bundle_that_another_key_signed_since_is_promoted_with_the_new_signature(scorer: Scorer) -> None:
    for private, public in (pair(), pair()):
        sign(scorer.folder / "toy", private)
        promoted = promote(scorer.store, scorer.folder / "toy", public)
        assert verify(StoredFiles(scorer.store, promoted.digest), public).signed


def test_promoting_a_broken_bundle_leaves_the_pointer_alone(scorer: Scorer) -> None:
    before = scorer.store.get(model_keys.CURRENT_BUNDLE)
    folder = write_bundle(scorer.folder / "broken", entries={"arms": [{**facts()["arms"][0], "file": "absent.json"}]})
    with pytest.raises(BadBundleError):
        promote(scorer.store, folder)
    assert scorer.store.get(model_keys.CURRENT_BUNDLE) == before
