"""What `medulla bundle show` says of prototypes."""

from pathlib import Path

from services.standalone.bundle_lines import bundle_lines
from services.standalone.prototype_lines import prototypes_json
from shared.model.bundle_files import verify
from tests.support.fusion import prototypes, write_bundle


def test_each_prototype_is_listed_with_what_goes_with_it(tmp_path: Path) -> None:
    lines = bundle_lines(tmp_path, verify(write_bundle(tmp_path)), {}, prototypes())
    listed = [line.strip() for line in lines if "prototype " in line]
    assert listed == [
        "prototype 0: 75% of a patient's tiles, association with risk not known",
        "prototype 1: 25% of a patient's tiles, goes with higher risk (1.50, 1.20 to 1.88)",
    ]


def test_a_bundle_without_prototypes_lists_none(tmp_path: Path) -> None:
    assert not any("prototype" in line for line in bundle_lines(tmp_path, verify(write_bundle(tmp_path)), {}))
    assert prototypes_json(None) == []


def test_an_undefined_hazard_ratio_is_null() -> None:
    first, second = prototypes_json(prototypes())
    assert first == {"number": 0, "training_share": 0.75, "hazard_ratio": None}
    assert second["hazard_ratio"] == {"ratio": 1.5, "lo": 1.2, "hi": 1.875}
