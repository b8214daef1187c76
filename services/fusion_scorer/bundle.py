"""A model bundle in memory: everything checked, nothing unpickled, no code of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from services.fusion_scorer.arm import Arm, TreesHazard
from services.fusion_scorer.bundle_files import Checked, Files, first_problem, verify
from services.fusion_scorer.consistency import check_consistency
from services.fusion_scorer.errors import BadBundleError
from services.fusion_scorer.hazard import Trees
from services.fusion_scorer.manifest import (
    CALIBRATION,
    MIL,
    REFERENCE,
    THRESHOLDS,
    ArmRef,
    Calibration,
    Manifest,
    Reference,
    Thresholds,
)
from services.fusion_scorer.mil import Mil, OnnxMil
from shared.model.variable import Frozen
from shared.units import Sha256

F = TypeVar("F", bound=Frozen)


@dataclass(frozen=True)
class Bundle:
    """A fitted model with all that a score needs."""

    digest: Sha256
    manifest: Manifest
    arms: Mapping[str, Arm]
    calibration: Calibration
    thresholds: Thresholds
    reference: Reference
    mil: Mil | None
    trees: Mapping[str, Trees]

    def arm_for(self, blocks: frozenset[str]) -> ArmRef | None:
        """The first arm that asks for nothing but the blocks that are known; None where no arm serves."""
        return next((arm for arm in self.manifest.arms if blocks.issuperset(arm.blocks)), None)


def load(source: Files | Path, public_key: bytes | None = None) -> Bundle:
    """Read a bundle from a folder or the object store and check all of it.

    Raises:
        BadBundleError: a file is missing, altered, not listed, not understood, or the signature is missing or wrong.
    """
    checked = verify(source, public_key)
    arms = {arm.name: _part(checked, arm.file, Arm) for arm in checked.manifest.arms}
    bundle = Bundle(
        digest=checked.digest,
        manifest=checked.manifest,
        arms=arms,
        calibration=_part(checked, CALIBRATION, Calibration),
        thresholds=_part(checked, THRESHOLDS, Thresholds),
        reference=_part(checked, REFERENCE, Reference),
        mil=OnnxMil(_file(checked, MIL)) if MIL in checked.files else None,
        trees=_trees(checked, arms),
    )
    check_consistency(bundle.manifest, arms, bundle.reference, bundle.mil)
    return bundle


def _file(checked: Checked, name: str) -> bytes:
    if name not in checked.manifest.files:
        raise BadBundleError(f"the bundle {checked.manifest.name} needs {name} and does not list it")
    return checked.files[name]


def _part(checked: Checked, name: str, kind: type[F]) -> F:
    try:
        return kind.model_validate_json(_file(checked, name))
    except ValidationError as error:
        raise BadBundleError(
            f"{name} of bundle {checked.manifest.name} is not understood: {first_problem(error)}"
        ) from error


def _trees(checked: Checked, arms: Mapping[str, Arm]) -> Mapping[str, Trees]:
    names = {hazard.file for arm in arms.values() for hazard in arm.hazards if isinstance(hazard, TreesHazard)}
    if not names:
        return {}
    from services.fusion_scorer import lightgbm_trees  # noqa: PLC0415 - takes seconds, and most bundles have no trees

    return {name: lightgbm_trees.load(name, _file(checked, name)) for name in sorted(names)}
