"""How often the interval of a case's risk holds its true risk, for every arm of a bundle, on SIMULATED patients."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.bundle.served import ServedBundle
from shared.arrays import Floats


def coverage(bundle: ServedBundle, patients: Patients, truth: Mapping[str, Floats]) -> dict[str, Any]:
    """By arm and horizon: patients, share covered, share below and above the interval, its mean width.

    Each arm predicts every patient with its blocks, also those whom a fuller arm would serve, as if the rest were
    missing; the truth always counts everything.
    """
    shares: dict[str, Any] = {}
    for arm in bundle.linear_arms:
        has_blocks = np.logical_and.reduce([patients.has_block(block) for block in arm.blocks])
        if has_blocks.sum():
            cases = patients.take(np.flatnonzero(has_blocks)).case_values
            interval = bundle.bundle.predict(arm.name, cases)
            shares[arm.name] = {
                f"{years:g}y": _share(truth[f"risk_{years:g}y"][has_blocks], interval.lo[:, i], interval.hi[:, i])
                for i, years in enumerate(bundle.profile.horizons_years)
            }
    return shares


def _share(truth: Floats, lo: Floats, hi: Floats) -> dict[str, float]:
    below, above = float((truth < lo).mean()), float((truth > hi).mean())
    width = float((hi - lo).mean())
    return {"n": len(truth), "covered": 1 - below - above, "below": below, "above": above, "width": width}
