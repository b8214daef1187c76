"""A model bundle in memory: everything checked, nothing unpickled, no code of its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from shared.model.arm import Arm
from shared.model.bundle_check import check_bundle, check_classifier, check_prototypes
from shared.model.bundle_files import Files, VerifiedFiles, first_problem, verify
from shared.model.calibration import Calibration
from shared.model.case_values import CaseValues
from shared.model.course import Course, CourseModel
from shared.model.errors import BadBundleError
from shared.model.hazards import LogHazard, Trees, TreesHazard
from shared.model.manifest import CALIBRATION, REFERENCE, THRESHOLDS, ArmRef, Manifest
from shared.model.mil import MIL, Mil
from shared.model.pattern import serving
from shared.model.prediction import ArmPrediction, predict
from shared.model.prototypes import PROTOTYPES, Prototypes, read_prototypes
from shared.model.reference import Reference
from shared.model.thresholds import Thresholds
from shared.model.tile_classifier import TILE_CLASSIFIER, BundleClassifier
from shared.model.variable import Frozen
from shared.model.vector_model import VectorModel, vector_file
from shared.units import Sha256

F = TypeVar("F", bound=Frozen)


@dataclass(frozen=True, repr=False)
class Bundle:
    """A fitted model with all that a score needs."""

    digest: Sha256
    manifest: Manifest
    arms: Mapping[str, Arm]
    calibration: Calibration
    thresholds: Thresholds
    reference: Reference
    mil: Mil | None
    prototypes: Prototypes | None
    """None in bundles without slides, and in those of older programs."""
    trees: Mapping[str, Trees]
    vectors: Mapping[str, VectorModel]
    """Models of the blocks of vectors that the bundle reads, by block."""
    classifier: BundleClassifier | None
    """Of tiles; None in bundles that were trained without one."""

    def __repr__(self) -> str:
        return f"Bundle(name={self.manifest.name!r}, digest={self.digest[:12]!r}, arms={list(self.arms)})"

    @property
    def blocks(self) -> frozenset[str]:
        """Every block that some arm needs."""
        return frozenset(block for arm in self.manifest.arms for block in arm.blocks)

    @property
    def without_weight(self) -> frozenset[str]:
        """Blocks of slides and vectors that the bundle reads and in which all cases are equal to it.

        The arm of such a block alone has no column, and no arm needs it beside others.
        """
        evidence = {block.name for block in self.manifest.profile.evidence_blocks}
        alone = {arm.name: arm.blocks[0] for arm in self.manifest.arms if len(arm.blocks) == 1}
        return frozenset(block for name, block in alone.items() if block in evidence and not self.arms[name].columns)

    def weighed_by(self, arm: ArmRef) -> frozenset[str]:
        """The blocks of an arm that have weight."""
        return frozenset(arm.blocks) - self.without_weight

    def predict(self, name: str, cases: CaseValues) -> ArmPrediction:
        """Predict cases by an arm, at the profile's horizons, recalibrated."""
        horizons = self.manifest.profile.horizons_years
        recalibrations = [self.calibration.of(name, years) for years in horizons]
        return predict(self.arms[name], cases, horizons, recalibrations, self.trees)

    def course(self, name: str, cases: CaseValues, event_free_years: Sequence[float]) -> Course:
        """Predict cases over time by an arm, recalibrated as at the horizons."""
        horizons = self.manifest.profile.horizons_years
        recalibrations = [self.calibration.of(name, years) for years in horizons]
        return CourseModel(self.arms[name], horizons, recalibrations, self.trees)(cases, event_free_years)

    def arm_for(self, case: CaseValues) -> ArmRef | None:
        """The first arm that needs nothing but blocks that are known of a case; None where no arm serves it."""
        (place,) = serving([frozenset(arm.blocks) for arm in self.manifest.arms], case)
        return None if place < 0 else self.manifest.arms[place]


def load(source: Files | Path, public_key: bytes | None = None) -> Bundle:
    """Read a bundle from a folder or the object store and check all of it.

    Raises:
        BadBundleError: a file is missing, altered, not listed, not understood, or the signature is missing or wrong.
    """
    return assemble(verify(source, public_key))


def assemble(checked: VerifiedFiles) -> Bundle:
    """Read a bundle from files whose digests hold.

    Raises:
        BadBundleError: a file is missing or not understood, or the files do not fit each other.
    """
    arms = {arm.name: _content(checked, arm.file, Arm) for arm in checked.manifest.arms}
    vectors = vector_models(checked)
    hazards = [hazard for arm in arms.values() for hazard in arm.log_hazards]
    hazards += [model.log_hazard for model in vectors.values()]
    bundle = Bundle(
        digest=checked.digest,
        manifest=checked.manifest,
        arms=arms,
        calibration=_content(checked, CALIBRATION, Calibration),
        thresholds=_content(checked, THRESHOLDS, Thresholds),
        reference=_content(checked, REFERENCE, Reference),
        mil=_mil(checked),
        prototypes=stored_prototypes(checked),
        trees=_trees(checked, hazards),
        vectors=vectors,
        classifier=stored_classifier(checked),
    )
    check_bundle(bundle.manifest, arms, bundle.reference, bundle.mil, vectors)
    check_prototypes(bundle.prototypes, bundle.mil)
    check_classifier(bundle.classifier, bundle.manifest, bundle.mil, vectors)
    return bundle


def vector_models(checked: VerifiedFiles) -> Mapping[str, VectorModel]:
    """The models of blocks of vectors among the files, by block in the profile's order.

    Raises:
        BadBundleError: one of them is not understood.
    """
    names = {block.name: vector_file(block.name) for block in checked.manifest.profile.vectors}
    listed = {block: name for block, name in names.items() if name in checked.manifest.files}
    return {block: _content(checked, name, VectorModel) for block, name in listed.items()}


def stored_prototypes(checked: VerifiedFiles) -> Prototypes | None:
    """The prototypes among the files, if any.

    Raises:
        BadBundleError: they are not understood.
    """
    return read_prototypes(checked.files[PROTOTYPES]) if PROTOTYPES in checked.files else None


def stored_classifier(checked: VerifiedFiles) -> BundleClassifier | None:
    """The classifier of tiles among the files, if any.

    Raises:
        BadBundleError: it is not understood.
    """
    return _content(checked, TILE_CLASSIFIER, BundleClassifier) if TILE_CLASSIFIER in checked.files else None


def _file(checked: VerifiedFiles, name: str) -> bytes:
    if name not in checked.manifest.files:
        raise BadBundleError(f"the bundle {checked.manifest.name} needs {name} and does not list it")
    return checked.files[name]


def _content(checked: VerifiedFiles, name: str, kind: type[F]) -> F:
    try:
        return kind.model_validate_json(_file(checked, name))
    except ValidationError as error:
        raise BadBundleError(
            f"{name} of bundle {checked.manifest.name} is not understood: {first_problem(error)}"
        ) from error


def _mil(checked: VerifiedFiles) -> Mil | None:
    if MIL not in checked.files:
        return None
    from shared.model.onnx_mil import OnnxMil  # noqa: PLC0415 - loads ONNX Runtime, which only slides need

    return OnnxMil(_file(checked, MIL))


def _trees(checked: VerifiedFiles, hazards: Iterable[LogHazard]) -> Mapping[str, Trees]:
    names = {hazard.file for hazard in hazards if isinstance(hazard, TreesHazard)}
    if not names:
        return {}
    from shared.model.trees import read_trees  # noqa: PLC0415 - takes seconds, and most bundles have no trees

    return {name: read_trees(name, _file(checked, name)) for name in sorted(names)}
