"""Bundles: every byte is accounted for, and nothing half-understood is loaded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.model.bundle import load
from shared.model.bundle_files import sign, verify
from shared.model.case_values import CaseValues
from shared.model.errors import BadBundleError, BadKeyError
from tests.support.fusion import AGE, STAGE, digest, facts, fit, parts, write_bundle
from tests.support.signing import pair

FILES = sorted([*parts(), "mil.onnx", "model_card.md"])


def refusal(folder: Path, public_key: bytes | None = None) -> str:
    with pytest.raises(BadBundleError) as caught:
        load(folder, public_key)
    assert caught.value.reason == "bad_bundle"
    return str(caught.value)


def test_the_digest_is_that_of_bundle_json(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "b")
    assert load(folder).digest == digest((folder / "bundle.json").read_bytes())


def test_a_bundle_is_shown_by_its_name_its_digest_and_its_arms(tmp_path: Path) -> None:
    bundle = load(write_bundle(tmp_path / "b"))
    arms = list(bundle.arms)
    assert repr(bundle) == f"Bundle(name={bundle.manifest.name!r}, digest={bundle.digest[:12]!r}, arms={arms})"
    assert len(arms) > 1


@pytest.mark.parametrize("name", FILES)
def test_one_altered_byte_is_named(tmp_path: Path, name: str) -> None:
    path = write_bundle(tmp_path / "b") / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert f"{name} of" in refusal(path.parent)
    assert "was altered" in refusal(path.parent)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_bundle(tmp_path / "b")
    (folder / name).unlink()
    assert f"lacks {name}" in refusal(folder)


def test_a_file_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "b")
    (folder / "code.py").write_text("print()")
    assert "holds code.py, which bundle.json does not list" in refusal(folder)


def test_a_folder_without_bundle_json_is_no_bundle(tmp_path: Path) -> None:
    assert "is no bundle" in refusal(tmp_path)
    assert "is no bundle" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"version": 2}, "version"),
        ({"arms": []}, "arms"),
        ({"hook": "os.system"}, "hook"),
        ({"files": {"../secret": "0" * 64}}, "files"),
        ({"files": {"a.json": "zz"}}, "files.a.json"),
    ],
)
def test_a_bundle_json_that_says_something_else_is_refused(tmp_path: Path, changes: dict[str, Any], part: str) -> None:
    folder = write_bundle(tmp_path / "b", entries=changes)
    assert f"bundle.json of {folder} is not understood: {part}" in refusal(folder)


def _without_mil(folder: Path) -> Path:
    write_bundle(folder)
    (folder / "mil.onnx").unlink()
    manifest = json.loads((folder / "bundle.json").read_text())
    del manifest["files"]["mil.onnx"]
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


def _changed(name: str, change: Callable[[Any], None]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        part = parts()[name]
        change(part)
        return write_bundle(folder, {name: part})

    return write


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no mil": (_without_mil, "the bundle has no mil.onnx"),
    "not json": (
        lambda folder: write_bundle(folder, {"fused.json": b"{"}),
        "fused.json of bundle toy is not understood",
    ),
    "no onnx": (lambda folder: write_bundle(folder, {"mil.onnx": b"no"}), "mil.onnx is no model"),
    "too few coefficients": (
        _changed("clinical.json", lambda part: part["fit"]["event"]["log_hazard"].update(coefficients=[1.0])),
        "coefficients and columns differ in number",
    ),
    "falling hazard": (
        _changed("clinical.json", lambda part: part["fit"]["event"].update(baseline=[0.2, 0.1])),
        "a cumulative hazard falls",
    ),
    "short hazard": (_changed("clinical.json", lambda part: part.update(times_years=[1.0, 4.0])), "end before"),
    "unknown variable": (
        _changed("clinical.json", lambda part: part["columns"][0].update(variable="colour")),
        "uses colour, which the bundle's profile does not have",
    ),
    "wrong level": (
        _changed("clinical.json", lambda part: part["columns"][0].update(levels=["M9"])),
        "column M+ of arm clinical does not suit stage",
    ),
    "number of a word": (
        _changed("clinical.json", lambda part: part["columns"][0].update(form="value")),
        "column M+ of arm clinical does not suit stage",
    ),
    "zero scale": (_changed("clinical.json", lambda part: part["columns"][0].update(scale=0)), "scale"),
    "open group": (
        _changed("thresholds.json", lambda part: part["arms"]["clinical"]["groups"].reverse()),
        "limits of the groups must rise",
    ),
    "other width": (
        _changed("reference.json", lambda part: part["embedding"].update(mean=[0, 0, 0])),
        "differ in the width of an embedding",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_parts_that_do_not_fit_each_other_are_refused(tmp_path: Path, case: str) -> None:
    write, part = BROKEN[case]
    assert part in refusal(write(tmp_path / "b"))


def test_a_signed_bundle_loads_where_a_signature_is_asked_for(tmp_path: Path) -> None:
    folder, (private, public) = write_bundle(tmp_path / "b"), pair()
    sign(folder, private)
    assert load(folder, public).manifest.name == "toy"
    assert verify(folder).signed


def test_a_bundle_without_signature_is_refused_where_one_is_asked_for(tmp_path: Path) -> None:
    assert "has no signature" in refusal(write_bundle(tmp_path / "b"), pair()[1])


def test_a_signature_of_another_key_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "b")
    sign(folder, pair()[0])
    assert "another key signed" in refusal(folder, pair()[1])


def test_a_file_of_several_keys_accepts_what_one_of_them_signed(tmp_path: Path) -> None:
    folder, (old, new) = write_bundle(tmp_path / "b"), (pair(), pair())
    for private, _ in (old, new):
        sign(folder, private)
        assert verify(folder, old[1] + new[1]).signed
    assert "another key signed" in refusal(folder, old[1] + pair()[1])


def test_an_altered_bundle_json_breaks_its_signature(tmp_path: Path) -> None:
    folder, (private, public) = write_bundle(tmp_path / "b"), pair()
    sign(folder, private)
    manifest = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps({**manifest, "name": "better"}))
    assert "does not fit bundle.json" in refusal(folder, public)


@pytest.mark.parametrize("text", ["", "zz", "00" * 64])
def test_a_garbled_signature_is_refused(tmp_path: Path, text: str) -> None:
    folder = write_bundle(tmp_path / "b")
    (folder / "signature").write_text(text)
    assert "signature of" in refusal(folder, pair()[1])


def test_keys_of_another_kind_are_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "b")
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(BadKeyError, match="not of the kind ed25519"):
        sign(folder, other)
    with pytest.raises(BadKeyError, match="no unencrypted PEM key"):
        sign(folder, b"hunter2")
    sign(folder, pair()[0])
    with pytest.raises(BadKeyError, match="neither PEM nor 32 raw bytes"):
        load(folder, b"hunter2")
    for unfinished in (pair()[1] + pair()[1][:40], pair()[1][:40] + pair()[1]):
        with pytest.raises(BadKeyError, match="cut off"):
            load(folder, unfinished)


def test_advice_is_about_the_key_where_the_key_is_at_fault(tmp_path: Path) -> None:
    folder, (private, _) = write_bundle(tmp_path / "b"), pair()
    sign(folder, private)
    with pytest.raises(BadKeyError, match="is a private one") as given_private:
        load(folder, private)
    assert "openssl pkey -in key.pem -pubout" in given_private.value.advice
    with pytest.raises(BadBundleError, match="another key signed") as given_another:
        load(folder, pair()[1])
    assert given_another.value.advice.startswith("Give the public half of the key")
    with pytest.raises(BadKeyError, match="no unencrypted PEM key") as given_none:
        sign(folder, b"hunter2")
    assert "openssl genpkey" in given_none.value.advice


def test_lightgbm_trees_explain_their_score_in_parts_that_sum_to_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    settings = {"objective": "regression", "verbose": -1, "num_threads": 1, "seed": 0, "min_data_in_leaf": 5}
    booster = lgb.train(settings, lgb.Dataset(x, x[:, 0] + 0.3 * x[:, 1]), num_boost_round=20)
    arm = parts()["clinical.json"] | {"refits": [], "columns": [STAGE, AGE]}
    arm["fit"] = fit([0.0, 0.0])
    arm["fit"]["event"]["log_hazard"] = {"kind": "lightgbm", "file": "lightgbm.txt", "centre": 0.1}
    text = booster.model_to_string().encode()
    bundle = load(write_bundle(tmp_path / "b", {"clinical.json": arm, "lightgbm.txt": text}))
    cases = CaseValues(bundle.manifest.profile, {"stage": np.array([1.0, 0.0]), "age": np.array([12.0, 4.0])}, 2)
    prediction = bundle.predict("clinical", cases)
    raw = np.asarray(booster.predict(np.array([[0.75, 1.0], [-0.25, -1.0]])))
    assert prediction.log_risk == pytest.approx(raw - 0.1)
    assert np.sum(list(prediction.by_variable.values()), axis=0) == pytest.approx(prediction.log_risk)
    assert (prediction.lo.max(), prediction.hi.min()) == (0, 1)


def test_lightgbm_text_that_is_none_is_refused(tmp_path: Path) -> None:
    arm = parts()["clinical.json"]
    arm["fit"]["event"]["log_hazard"] = {"kind": "lightgbm", "file": "lightgbm.txt"}
    folder = write_bundle(tmp_path / "b", {"clinical.json": arm, "lightgbm.txt": b"tree\nnonsense"})
    assert "lightgbm.txt is no LightGBM model" in refusal(folder)


def test_a_bundle_without_slides_needs_no_mil_and_no_encoder(tmp_path: Path) -> None:
    changes = {"encoder": None, "arms": [arm for arm in facts()["arms"] if arm["name"] == "clinical"]}
    folder = write_bundle(tmp_path / "b", {"reference.json": {"log_risk": {}}}, changes)
    (folder / "mil.onnx").unlink()
    manifest = json.loads((folder / "bundle.json").read_text())
    del manifest["files"]["mil.onnx"]
    (folder / "bundle.json").write_text(json.dumps(manifest))
    assert load(folder).mil is None
