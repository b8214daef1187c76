"""A bundle as it was trained, read back to be asked about a whole cohort; nothing is refitted."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from services.trainer.arms.alone import Alone
from services.trainer.arms.arm import Arm, BlockView, Patients
from services.trainer.arms.fusion import AllBut, Fused, LateFusion
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.known_blocks import evidence_text
from services.trainer.arms.null import constant
from services.trainer.arms.registry import arms_of, gbm, record_arm
from services.trainer.arms.ridge_cox import ByPattern
from services.trainer.arms.rule import RULE, flagged
from services.trainer.arms.scored import calibrated
from services.trainer.arms.tabular import Tabular
from services.trainer.bundle.training_facts import TRAINING, TrainingFacts
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.errors import BadModelError, BadVectorTableError
from services.trainer.tile_classifier.cohort_shares import cohort_shares
from shared.model.bundle import Bundle, assemble
from shared.model.bundle_files import first_problem, verify
from shared.model.manifest import ArmRef
from shared.model.profile import Profile
from shared.words import shown

_LISTED = 5


@dataclass(frozen=True, eq=False)
class ServedBundle:
    """A bundle made by `medulla train`."""

    bundle: Bundle
    training: TrainingFacts

    @property
    def profile(self) -> Profile:
        """The profile that the bundle was trained with."""
        return self.training.profile

    def model(self, name: str) -> Tabular:
        """One of the arms, recalibrated where the bundle says so."""
        arm, training, calibration = self.bundle.arms[name], self.training, self.bundle.calibration
        by_horizon = {years: calibration.of(name, years) for years in self.profile.horizons_years}
        is_recalibrated = name in calibration.arms
        return Tabular(
            arm,
            training.reference,
            training.horizon,
            trees=self.bundle.trees,
            recalibrations=by_horizon if is_recalibrated else {},
        )

    @property
    def linear_arms(self) -> list[ArmRef]:
        """The arms of late fusion, the largest first; the trees excepted."""
        return [arm for arm in self.bundle.manifest.arms if arm.name != gbm(self.profile)]

    def by_pattern(self, blocks: tuple[str, ...]) -> ByPattern:
        """The models that need nothing but `blocks`, the trees excepted."""
        arms = [arm for arm in self.linear_arms if set(arm.blocks) <= set(blocks)]
        models = {frozenset(arm.blocks): self.model(arm.name) for arm in arms}
        return ByPattern(models, self.training.average, constant(self.training.average, 0))

    def patients(self, cohort: Cohort, embeddings: Embeddings | None) -> Patients:
        """A cohort with the bundle's log-risks of its slides and vectors."""
        slides, view = self.profile.slides, _slide_view(self, cohort, embeddings)
        views = {slides.name: view} if slides and view else {}
        for block, model in self.bundle.vectors.items():
            if block in cohort.vectors:
                log_risk = model.log_risk(cohort.vectors[block].of(model.columns), self.bundle.trees)
                views[block] = BlockView(log_risk, log_risk[:, None])
        return Patients(cohort, 0, views)

    def with_composition(self, cohort: Cohort, embeddings: Embeddings | None) -> Cohort:
        """The cohort with the block that the bundle's classifier of tiles computes, unless a table of it was given."""
        classifier = self.bundle.classifier
        if classifier is None or embeddings is None or classifier.block in cohort.vectors:
            return cohort
        shares = cohort_shares(
            cohort, embeddings, classifier.classes, lambda _case, features: classifier.probabilities(features)
        )
        return replace(cohort, vectors={**cohort.vectors, classifier.block: shares})

    def check_vectors(self, cohort: Cohort) -> list[str]:
        """Refuse vectors with columns that the bundle's models do not have; a note on columns and blocks left aside.

        Raises:
            BadVectorTableError: naming them.
        """
        notes = []
        for block, vectors in cohort.vectors.items():
            title, model = self.profile.title_of(block), self.bundle.vectors.get(block)
            if model is None:
                notes.append(f"the bundle was trained without {title}, so its vectors were not used")
            elif unknown := [name for name in vectors.columns if name not in set(model.columns)]:
                listed = f"{', '.join(map(shown, unknown[:_LISTED]))}{', ...' * (len(unknown) > _LISTED)}"
                raise BadVectorTableError(f"vectors {block}: the bundle's model of {title} has no columns {listed}")
            elif missing := len(set(model.columns).difference(vectors.columns)):
                notes.append(f"{missing} columns of {title} are not in the table and count as missing")
        return notes

    def check_embeddings(self, embeddings: Embeddings | None) -> None:
        """Refuse bags of another encoder.

        Raises:
            BadModelError: naming both encoders.
        """
        encoder = self.bundle.manifest.encoder
        if embeddings and encoder and embeddings.encoder_digest != encoder.digest:
            raise BadModelError(
                f"the bundle reads {encoder.name} {encoder.digest[:12]}, the embeddings are of "
                f"{embeddings.encoder_name} {embeddings.encoder_digest[:12]}"
            )


def read_bundle(folder: Path) -> ServedBundle:
    """Read a bundle made by `medulla train` and check all of it.

    Raises:
        BadBundleError: a file is missing, altered, not listed or not understood.
        BadModelError: the bundle was not made by `medulla train`.
    """
    files = verify(folder)
    if TRAINING not in files.files:
        raise BadModelError(f"{folder} is no bundle of `medulla train`: it has no {TRAINING}")
    try:
        training = TrainingFacts.model_validate_json(files.files[TRAINING])
    except ValidationError as error:
        problem = first_problem(error)
        raise BadModelError(f"{folder} is no bundle of `medulla train`: {TRAINING}: {problem}") from error
    return ServedBundle(assemble(files), training)


def _slide_view(served: ServedBundle, cohort: Cohort, embeddings: Embeddings | None) -> BlockView | None:
    """The bundle's log-risk of each patient's slides; None where bundle or cohort has no slides."""
    mil = served.bundle.mil
    if embeddings is None or mil is None:
        return None
    has = embeddings.has(cohort.case_ids)
    cases = zip(cohort.case_ids, has, strict=True)
    log_risk = np.array([mil(embeddings.bag(case))[0] if known else np.nan for case, known in cases], np.float64)
    return BlockView(log_risk, log_risk[:, None])


def predict_all(served: ServedBundle, patients: Patients) -> tuple[dict[str, Prediction], dict[str, str]]:
    """Predictions of a cohort by every arm of the bundle, and why an arm has none."""
    predictions = {"null": constant(served.training.average, len(patients))}
    arms = arms_of(served.profile, patients.blocks)
    absent = {arm.name: "the bundle does not hold this arm" for arm in arms}
    absent[RULE] = "the bundle has no rule"
    if served.training.rule:
        predictions[RULE] = calibrated(served.training.rule.model, flagged(patients))
    if (trees := gbm(served.profile)) in served.bundle.arms:
        if reason := _without_variables(served.profile, served.profile.record_blocks, patients):
            absent[trees] = reason
        else:
            predictions[trees] = served.model(trees).predict(patients.case_values)
    for arm in arms:
        if not isinstance(arm, LateFusion):
            continue
        reason = _unavailable_reason(served, arm, patients)
        if reason is None:
            prediction = served.by_pattern(arm.blocks).predict(patients)
            predictions[arm.name] = _only_known(arm, prediction, patients)
        else:
            absent[arm.name] = reason
    return predictions, {name: reason for name, reason in absent.items() if name not in predictions}


def _only_known(arm: LateFusion, prediction: Prediction, patients: Patients) -> Prediction:
    """Predictions of patients who have the block of an arm of one block of slides or vectors."""
    return prediction.only(patients.has_block(arm.block)) if isinstance(arm, Alone) else prediction


def _unavailable_reason(served: ServedBundle, arm: LateFusion, patients: Patients) -> str | None:
    """Why the bundle has no prediction of an arm for a cohort; None where it has."""
    names = (arm.left_out,) if isinstance(arm, AllBut) else arm.blocks
    blocks = [block for block in served.profile.evidence_blocks if block.name in names]
    held = [block for block in blocks if any(block.name in ref.blocks for ref in served.linear_arms)]
    if blocks and not held:
        return f"the bundle was trained without {evidence_text(blocks[0], 'and')}"
    if held and not any(patients.has_block(block.name).any() for block in held):
        return f"no patient of the cohort has {evidence_text(held[0], 'or')}"
    if not isinstance(arm, Fused | AllBut | Alone) and (
        reason := _without_variables(served.profile, arm.blocks, patients)
    ):
        return reason
    return None if _held(served, arm) else "the bundle does not hold this arm"


def _without_variables(profile: Profile, blocks: Collection[str], patients: Patients) -> str | None:
    """Why models of all these blocks predict nothing for a cohort; None where the cohort has each of them."""
    absent = set(blocks).difference(patients.blocks)
    return f"no patient of the cohort has {profile.title_of(min(absent))} variables" if absent else None


def _held(served: ServedBundle, arm: Arm) -> ArmRef | None:
    """The bundle's model that decides an arm's threshold: its own, or the largest that stands for it.

    Where the training cohort lacked a block, the fused arm is the largest of slides or vectors and another block; where
    none of these has weight, the largest of all.
    """
    own = next((ref for ref in served.bundle.manifest.arms if ref.name == arm.name), None)
    if own or not isinstance(arm, Fused | AllBut):
        return own
    larger = next((ref for ref in served.linear_arms if _stands_for(ref, arm, served.profile)), None)
    if larger is None and isinstance(arm, Fused) and served.bundle.without_weight:
        return served.linear_arms[0]
    return larger


def _stands_for(ref: ArmRef, arm: LateFusion, profile: Profile) -> bool:
    evidence = {block.name for block in profile.evidence_blocks}
    fuses = len(ref.blocks) > 1 and bool(evidence.intersection(ref.blocks))
    return set(ref.blocks) <= set(arm.blocks) and (fuses or isinstance(arm, AllBut))


def threshold_of(served: ServedBundle, arm: Arm) -> float:
    """The training threshold of an arm; infinite where the bundle has none."""
    held = _held(served, arm)
    return served.training.thresholds.get(held.name if held else arm.name, np.inf)


def reservations_about(served: ServedBundle, arms: Iterable[Arm]) -> tuple[str, ...]:
    """What the bundle says against itself, and against the models that decide the thresholds of `arms`."""
    manifest, held = served.bundle.manifest, {ref.name for arm in arms if (ref := _held(served, arm))}
    of_models = (sentence for ref in manifest.arms if ref.name in held for sentence in ref.reservations)
    return (*manifest.reservations, *of_models)


def compared_models(served: ServedBundle) -> tuple[str, ...]:
    """The bundle's first model, and that of the whole record where it is another."""
    first, record = served.bundle.manifest.arms[0].name, record_arm(served.profile)
    return tuple(dict.fromkeys((first, record)))
