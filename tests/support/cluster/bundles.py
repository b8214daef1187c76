"""Bundles made of the demo one: with other risks, so that a score tells which of them made it, or with a signature."""

import json
import shutil
from pathlib import Path

from shared.canonical import canonical_json, sha256
from shared.model.bundle_files import sign
from tests.support.signing import pair
from tests.support.system import DEMO_BUNDLE

_SHIFT = 0.5


def second(folder: Path) -> Path:
    """Write it; every arm's risks are shifted on the scale of log(-log(1 - risk))."""
    shutil.copytree(DEMO_BUNDLE, folder)
    manifest = json.loads((folder / "bundle.json").read_text())
    shifted = {years: {"intercept": _SHIFT, "slope": 1.0} for years in ("3", "5")}
    calibration = canonical_json({"arms": {arm["name"]: shifted for arm in manifest["arms"]}})
    (folder / "calibration.json").write_bytes(calibration)
    manifest["files"]["calibration.json"] = sha256(calibration)
    manifest["name"] = "demo-simulated-second"
    (folder / "bundle.json").write_bytes(canonical_json(manifest))
    return folder


def signed(folder: Path) -> str:
    """Write the demo bundle with a signature beside it, which changes no digest; gives the public key, in PEM."""
    private, public = pair()
    shutil.copytree(DEMO_BUNDLE, folder)
    sign(folder, private)
    return public.decode()
