"""Checks that the files of a bundle fit each other."""

from collections.abc import Mapping

from shared.model.arm import Arm
from shared.model.column import Column
from shared.model.errors import BadBundleError
from shared.model.manifest import REFERENCE, Manifest
from shared.model.mil import MIL, PROJECTED, Mil
from shared.model.prototypes import PROTOTYPES, Prototypes
from shared.model.reference import Reference
from shared.model.tile_classifier import TILE_CLASSIFIER, BundleClassifier
from shared.model.variable import Variable
from shared.model.vector_model import VectorModel, vector_file


def check_bundle(
    manifest: Manifest,
    arms: Mapping[str, Arm],
    reference: Reference,
    mil: Mil | None,
    vectors: Mapping[str, VectorModel],
) -> None:
    """Refuse a bundle whose parts were not made for each other.

    Raises:
        BadBundleError: naming the two parts that differ.
    """
    for name, arm in arms.items():
        _check_columns(manifest, name, arm)
        _check_reach(manifest, name, arm)
    _check_slides(manifest, arms, mil)
    _check_reference(reference, mil)
    _check_vectors(manifest, arms, reference, vectors)


def check_prototypes(prototypes: Prototypes | None, mil: Mil | None) -> None:
    """Refuse prototypes in another space than that which the model of slides projects tiles to.

    Raises:
        BadBundleError: naming the two files that differ.
    """
    if prototypes is None:
        return
    if mil is None or mil.axes is None:
        raise BadBundleError(f"the bundle has {PROTOTYPES}, but no {MIL} that gives {PROJECTED}")
    if prototypes.centres.shape[1] != mil.axes:
        raise BadBundleError(f"{PROTOTYPES} and {MIL} differ in the number of axes")


def check_classifier(
    classifier: BundleClassifier | None, manifest: Manifest, mil: Mil | None, vectors: Mapping[str, VectorModel]
) -> None:
    """Refuse a classifier of tiles of another encoder, or of other classes than the model of its block reads.

    Raises:
        BadBundleError: naming what differs.
    """
    if classifier is None:
        return
    if manifest.encoder is None or classifier.encoder.digest != manifest.encoder.digest:
        raise BadBundleError(f"{TILE_CLASSIFIER} reads another encoder than the bundle")
    if mil is None or mil.width != classifier.width:
        raise BadBundleError(f"{TILE_CLASSIFIER} and {MIL} differ in the width of an embedding")
    if classifier.block not in [block.name for block in manifest.profile.vectors]:
        raise BadBundleError(f"{TILE_CLASSIFIER} is of block {classifier.block}, which the profile does not have")
    model = vectors.get(classifier.block)
    if model and set(model.columns) != set(classifier.classes):
        raise BadBundleError(f"{TILE_CLASSIFIER} and {vector_file(classifier.block)} differ in their classes")


def _check_columns(manifest: Manifest, name: str, arm: Arm) -> None:
    for column in arm.columns:
        variable = manifest.profile.variable(column.variable)
        if variable is None:
            raise BadBundleError(f"arm {name} uses {column.variable}, which the bundle's profile does not have")
        if not _suits(column, variable):
            raise BadBundleError(f"column {column.name} of arm {name} does not suit {variable.name} of the profile")


def _suits(column: Column, variable: Variable) -> bool:
    match column.form:
        case "value" | "below":
            return variable.kind == "numeric"
        case "level":
            return set(column.levels) <= set(variable.levels)
        case "rank":
            return set(column.levels) == set(variable.levels)
        case "missing":
            return True


def _check_reach(manifest: Manifest, name: str, arm: Arm) -> None:
    horizon = max(manifest.profile.horizons_years)
    if arm.times_years[-1] < horizon:
        raise BadBundleError(f"the baseline hazards of arm {name} end before the horizon of {horizon:g} years")


def _used(arms: Mapping[str, Arm]) -> set[str]:
    return {column.variable for arm in arms.values() for column in arm.columns}


def _check_slides(manifest: Manifest, arms: Mapping[str, Arm], mil: Mil | None) -> None:
    slides = manifest.profile.slides
    if slides and slides.log_risk in _used(arms) and (mil is None or manifest.encoder is None):
        raise BadBundleError(f"an arm uses {slides.log_risk}, but the bundle has no {MIL} or names no encoder")


def _check_vectors(
    manifest: Manifest, arms: Mapping[str, Arm], reference: Reference, vectors: Mapping[str, VectorModel]
) -> None:
    used = _used(arms)
    for block in manifest.profile.vectors:
        model, distribution = vectors.get(block.name), reference.vectors.get(block.name)
        if model is None and block.log_risk in used:
            raise BadBundleError(f"an arm uses {block.log_risk}, but the bundle has no {vector_file(block.name)}")
        if model and model.block != block.name:
            raise BadBundleError(f"{vector_file(block.name)} is the model of block {model.block}")
        if model and distribution and distribution.width != len(model.columns):
            raise BadBundleError(f"{REFERENCE} and {vector_file(block.name)} differ in the number of columns")
    if unknown := sorted(reference.vectors.keys() - vectors.keys()):
        raise BadBundleError(f"{REFERENCE} describes vectors of {unknown[0]}, of which the bundle has no model")


def _check_reference(reference: Reference, mil: Mil | None) -> None:
    if reference.slides and mil is None:
        raise BadBundleError(f"{REFERENCE} describes slides, but the bundle has no {MIL}")
    for embedding in (reference.embedding, reference.slides and reference.slides.embedding):
        if embedding and mil and embedding.width != mil.width:
            raise BadBundleError(f"{REFERENCE} and {MIL} differ in the width of an embedding")
