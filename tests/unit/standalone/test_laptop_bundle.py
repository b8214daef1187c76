"""`medulla up` goes on with the last good bundle while the promoted one cannot be used."""

from pathlib import Path

from services.standalone.laptop_bundle import promoted_bundles
from services.standalone.workspace import open_workspace
from shared import model_keys
from shared.bundle_in_use import BundleInUse
from shared.canonical import canonical_json
from tests.support.fusion import write_bundle


def test_a_bad_promotion_leaves_the_last_good_bundle_in_use_also_at_the_next_start(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "work")
    good = promoted_bundles(workspace, write_bundle(tmp_path / "toy")).promoted().bundle.digest
    workspace.store.put(model_keys.CURRENT_BUNDLE, canonical_json({"digest": "f" * 64, "name": "never"}))
    assert promoted_bundles(workspace, None).promoted().bundle.digest == good
    in_use = BundleInUse.stored(workspace.store)
    assert in_use is not None
    assert in_use.refused.startswith("the promoted bundle cannot be used, and toy stays in use")
