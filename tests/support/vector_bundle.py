"""The toy bundle with two blocks of vectors, small enough to count by hand."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support import fusion

BLOOD = {
    "block": "blood",
    "columns": ["hb", "wbc", "plt"],
    "mean": [12, 8, 250],
    "scale": [2, 4, 50],
    "used": [0, 1],
    "log_hazard": {"kind": "linear", "coefficients": [-0.5, 0.25]},
}
TEXTURE = {
    "block": "texture",
    "columns": [f"t{i}" for i in range(1, 8)],
    "mean": [0.0] * 7,
    "scale": [1.0] * 7,
    "used": list(range(7)),
    "log_hazard": {"kind": "linear", "coefficients": [i / 10 for i in range(1, 8)]},
}
BLOCKS = [
    {"name": "clinical", "source": "record"},
    {"name": "molecular", "source": "record"},
    {"name": "pathomic", "source": "slides", "title": "slides", "log_risk": "pathomics"},
    {"name": "blood", "source": "vectors", "title": "blood counts"},
    {"name": "texture", "source": "vectors", "title": "MRI texture"},
]
BLOOD_RISK = {"name": "blood", "variable": "blood", "form": "value", "mean": 0.1, "scale": 0.5}
TEXTURE_RISK = {"name": "texture", "variable": "texture", "form": "value", "scale": 2.0}
ARMS = {
    "fused": (["clinical", "blood", "texture"], [fusion.STAGE, BLOOD_RISK, TEXTURE_RISK], [0.8, 0.5, 0.4]),
    "clinical_blood": (["clinical", "blood"], [fusion.STAGE, BLOOD_RISK], [0.8, 0.5]),
    "clinical": (["clinical"], [fusion.STAGE, fusion.AGE], [0.8, -0.2]),
    "blood": (["blood"], [BLOOD_RISK], [0.5]),
    "pathomics": (["pathomic"], [fusion.SLIDES], [0.5]),
}
"""Blocks, columns and coefficients; there is no model of texture alone, nor of texture with the record."""
BLOOD_DISTRIBUTION = {
    "mean": [0, 0, 0],
    "axes": [[1, 0, 0]],
    "spread": [1],
    "residual": 1,
    "limits": {"flag": 3, "abstain": 6},
}


def write_vector_bundle(
    folder: Path,
    name: str = "toy-vectors",
    blood: Mapping[str, Any] | None = None,
    texture: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle; `blood` and `texture` replace entries of the models of these blocks."""
    parts = fusion.parts()
    rule, quantiles = parts["thresholds.json"]["arms"]["fused"], parts["reference.json"]["log_risk"]["fused"]
    reference = parts["reference.json"] | {
        "log_risk": dict.fromkeys(ARMS, quantiles),
        "vectors": {"blood": BLOOD_DISTRIBUTION} if blood is None else {},
    }
    files = {f"{arm}.json": fusion.arm(columns, coefficients) for arm, (_, columns, coefficients) in ARMS.items()}
    changed = files | {
        "thresholds.json": {"arms": dict.fromkeys(ARMS, rule)},
        "reference.json": reference,
        "vectors-blood.json": BLOOD | dict(blood or {}),
        "vectors-texture.json": TEXTURE | dict(texture or {}),
    }
    entries = {
        "name": name,
        "profile": fusion.PROFILE | {"blocks": BLOCKS},
        "arms": [{"name": arm, "file": f"{arm}.json", "blocks": blocks} for arm, (blocks, _, _) in ARMS.items()],
    }
    return fusion.write_bundle(folder, changed, entries)


def vector_json(block: str, case: str = "MB-1", /, **values: float | str | None) -> bytes:
    """A vector's bytes."""
    return json.dumps({"case_id": case, "block": block, "values": values}).encode()
