"""A bundle as it was trained, read back to be asked about a whole cohort; nothing is refitted."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from services.trainer.arms.arm import Patients, SlideView
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.null import constant
from services.trainer.arms.registry import ARMS
from services.trainer.arms.ridge_cox import ByPattern, RidgeCox
from services.trainer.arms.rule import flagged
from services.trainer.arms.scored import calibrated
from services.trainer.arms.tabular import Tabular
from services.trainer.bundle.served_arms import GBM
from services.trainer.bundle.training_facts import TRAINING, TrainingFacts
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.errors import BadModelError
from shared.model.block import PATHOMIC
from shared.model.bundle import Bundle, assemble
from shared.model.bundle_files import first_problem, verify
from shared.model.manifest import ArmRef
from shared.model.profile import Profile

_FUSED = ("fused", "clinical_pathomics", "molecular_pathomics")


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
        """One of the arms."""
        arm, training = self.bundle.arms[name], self.training
        return Tabular(arm, training.reference, training.horizon, trees=self.bundle.trees)

    def by_pattern(self, blocks: tuple[str, ...]) -> ByPattern:
        """The models that need nothing but `blocks`, the trees excepted."""
        arms = [arm for arm in self.bundle.manifest.arms if set(arm.blocks) <= set(blocks) and arm.name != GBM]
        models = {frozenset(arm.blocks): self.model(arm.name) for arm in arms}
        return ByPattern(models, self.training.average, blocks, constant(self.training.average, 0))

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


def slide_view(served: ServedBundle, cohort: Cohort, embeddings: Embeddings | None) -> SlideView | None:
    """The bundle's pathomic log-risk of each patient; None where bundle or cohort has no slides."""
    mil = served.bundle.mil
    if embeddings is None or mil is None:
        return None
    has = embeddings.has(cohort.case_ids)
    cases = zip(cohort.case_ids, has, strict=True)
    log_risk = np.array([mil(embeddings.bag(case))[0] if known else np.nan for case, known in cases], np.float64)
    return SlideView(log_risk, log_risk[:, None], np.full(len(cohort), np.nan))


def predict_all(served: ServedBundle, patients: Patients) -> tuple[dict[str, Prediction], dict[str, str]]:
    """Predictions of a cohort by every arm of the bundle, and why an arm has none."""
    predictions = {"null": constant(served.training.average, len(patients))}
    absent = {arm.name: "the bundle does not hold this arm" for arm in ARMS if arm.name != "null"}
    absent["rule"] = "the bundle has no rule"
    if served.training.rule:
        predictions["rule"] = calibrated(served.training.rule.model, flagged(patients))
    if GBM in served.bundle.arms:
        predictions[GBM] = served.model(GBM).predict(patients.case_values)
    for arm in ARMS:
        if not isinstance(arm, RidgeCox):
            continue
        reason = _unavailable_reason(served, arm, patients)
        if reason is None:
            predictions[arm.name] = served.by_pattern(arm.blocks).predict(patients)
        else:
            absent[arm.name] = reason
    if "pathomics" in predictions:
        predictions["pathomics"] = predictions["pathomics"].only(patients.has_block(PATHOMIC))
    return predictions, {name: reason for name, reason in absent.items() if name not in predictions}


def _unavailable_reason(served: ServedBundle, arm: RidgeCox, patients: Patients) -> str | None:
    """Why the bundle has no prediction of an arm for a cohort; None where it has."""
    if PATHOMIC in arm.blocks and not any(PATHOMIC in ref.blocks for ref in served.bundle.manifest.arms):
        return "the bundle was trained without slides and ready-made pathomic columns"
    if PATHOMIC in arm.blocks and not patients.has_block(PATHOMIC).any():
        return "nobody of the cohort has slides or ready-made pathomic columns"
    return None if _held(served, arm.name) else "the bundle does not hold this arm"


def _held(served: ServedBundle, name: str) -> ArmRef | None:
    """The bundle's model of an arm; without molecular data the fused arm is that of clinical variables and slides."""
    names = _FUSED if name == "fused" else (name,)
    arms = {arm.name: arm for arm in served.bundle.manifest.arms}
    return next((arms[held] for held in names if held in arms), None)


def threshold_of(served: ServedBundle, name: str) -> float:
    """The training threshold of an arm; infinite where the bundle has none."""
    held = _held(served, name)
    return served.training.thresholds.get(held.name if held else name, np.inf)
