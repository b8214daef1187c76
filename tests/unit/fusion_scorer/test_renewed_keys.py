"""Bundles are verified by the keys that are mounted now, also those that are in memory."""

from pathlib import Path

import pytest

from services.fusion_scorer.last_good import LastGood
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.settings import ScorerSettings
from shared.errors import TransientError
from shared.model.bundle_files import sign
from shared.renewed import Renewed
from tests.support.fusion import write_bundle
from tests.support.scorer import Scorer
from tests.support.signing import pair


def test_a_bundle_is_verified_anew_when_the_key_changes(scorer: Scorer, tmp_path: Path) -> None:
    mounted, folder, old, new = tmp_path / "bundle.pem", write_bundle(tmp_path / "signed"), pair(), pair()
    mounted.write_bytes(old[1])
    settings = ScorerSettings(bundle_public_key=mounted)
    keys = Renewed(settings.public_key(), settings.public_key, every_s=0)
    bundles = Bundles(scorer.store, keys, last_good=LastGood(scorer.store))
    sign(folder, old[0])
    digest = promote(scorer.store, folder, old[1]).digest
    assert bundles.promoted().bundle.digest == digest
    for unfinished in (b"", old[1][:40]):
        mounted.write_bytes(unfinished)
        assert bundles.promoted().bundle.digest == digest
    mounted.write_bytes(new[1])
    with pytest.raises(TransientError, match="mount a file that also holds the old key"):
        bundles.promoted()
    mounted.write_bytes(old[1] + new[1])
    assert bundles.promoted().bundle.digest == digest
    sign(folder, new[0])
    promote(scorer.store, folder, new[1])
    mounted.write_bytes(new[1])
    assert bundles.promoted().bundle.digest == digest
