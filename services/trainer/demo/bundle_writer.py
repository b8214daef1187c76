"""Writes a bundle's folder: small JSON files with rounded numbers, then bundle.json with the digest of each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from shared.canonical import canonical_json, sha256
from shared.notice import NOTICE
from shared.units import Sha256

_DIGITS = 6


def plain(value: Any, digits: int = _DIGITS) -> Any:
    """Arrays as lists, numbers at `digits` significant digits."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist(), digits)
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, Mapping):
        return {name: plain(item, digits) for name, item in value.items()}
    return [plain(item, digits) for item in value] if isinstance(value, list | tuple) else value


def write_bundle(folder: Path, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> Sha256:
    """Write `files` and a bundle.json of `facts` about them; gives the bundle's digest.

    What a former bundle left in the folder is removed, so that nothing lies there unlisted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    listed = {name: sha256(data) for name, data in files.items()}
    manifest = canonical_json({"version": 1, "notice": NOTICE, "files": listed, **facts}) + b"\n"
    for name, data in {**files, "bundle.json": manifest}.items():
        (folder / name).write_bytes(data)
    return sha256(manifest)
