"""`medulla up` goes on with the last good bundle while the promoted one cannot be used."""

from pathlib import Path

import pytest

from services.standalone.laptop_bundle import promoted_bundles
from services.standalone.workspace import open_workspace
from shared import model_keys
from shared.bundle_in_use import BundleInUse
from shared.canonical import canonical_json
from shared.model.errors import BadBundleError
from tests.support.fusion import write_bundle


def test_a_bad_promotion_leaves_the_last_good_bundle_in_use_also_at_the_next_start(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "work")
    good = promoted_bundles(workspace, write_bundle(tmp_path / "toy")).promoted().bundle.digest
    workspace.store.put(model_keys.CURRENT_BUNDLE, canonical_json({"digest": "f" * 64, "name": "never"}))
    assert promoted_bundles(workspace, None).promoted().bundle.digest == good
    in_use = BundleInUse.stored(workspace.store)
    assert in_use is not None
    assert in_use.refused.startswith("the promoted bundle cannot be used, and toy stays in use")


@pytest.mark.parametrize("pointer", [canonical_json({"digest": "f" * 64, "name": "never"}), b"no pointer"])
def test_a_bundle_that_is_given_takes_the_place_of_a_bad_promotion_also_where_it_is_the_last_good_one(
    tmp_path: Path, pointer: bytes
) -> None:
    workspace, folder = open_workspace(tmp_path / "work"), write_bundle(tmp_path / "toy")
    good = promoted_bundles(workspace, folder).promoted().bundle.digest
    workspace.store.put(model_keys.CURRENT_BUNDLE, pointer)
    assert promoted_bundles(workspace, folder).promotion().bundle.digest == good


def test_a_bad_promotion_is_left_to_the_operator_where_no_bundle_is_given_and_none_was_good(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "work")
    workspace.store.put(model_keys.CURRENT_BUNDLE, b"no pointer")
    with pytest.raises(BadBundleError, match="does not name a bundle"):
        promoted_bundles(workspace, None)
