"""External validation: a bundle as it is, on a cohort that it has not seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.registry import arms_of
from services.trainer.bundle.equation import bundle_equations
from services.trainer.bundle.served import ServedBundle, compared_models, predict_all, reservations_about, threshold_of
from services.trainer.cohort.checked import checked
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort.leaks import check_between
from services.trainer.engine import HERE, Engine
from services.trainer.errors import BadModelError
from services.trainer.evaluation.assemble import Measured, assemble
from services.trainer.evaluation.pooled import ArmResult, Pooled, acted_on, high_risk
from services.trainer.evaluation.predictions import write_predictions
from services.trainer.evaluation.sections import SectionWork
from services.trainer.metrics.bootstrap import Draws
from services.trainer.report_model.procedure import ExternalValidation, NoControls, ReportedBundle
from services.trainer.report_model.report import Report
from services.trainer.validation.recalibration import recalibration
from services.trainer.validation.unusual import unusual_patients
from shared.progress import Advance

_OTHER_STEPS = 3
"""Beside the sections of the report: the cohort, its predictions, the files."""
SEED = 1
"""Of the bootstrap; nothing else in a validation is drawn but the folds of the recalibration that is shown beside."""


def validate(
    served: ServedBundle,
    cohort: Cohort,
    embeddings: Embeddings | None,
    out: Path,
    advance: Advance,
    engine: Engine = HERE,
) -> Report:
    """Predict, measure by `engine`, write report.json and predictions.csv; nothing is refitted.

    Raises:
        BadModelError: the cohort's profile or encoder is not the bundle's.
        LeakError: the cohort holds a patient twice, or patients on whom the bundle was trained.
    """
    cohort, notes = checked_for(served, cohort, embeddings)
    out.mkdir(parents=True, exist_ok=True)
    patients = served.patients(replace(cohort, profile=served.profile), embeddings)
    notes.append(unusual_patients(served, patients, embeddings))
    pooled = _predicted(served, cohort, patients)
    has_slides = embeddings.has(cohort.case_ids) if embeddings else None
    work = SectionWork(pooled, has_slides, Draws(len(cohort), SEED))
    steps = len(work.pieces) + _OTHER_STEPS
    advance(2, steps)
    procedure = _procedure(served, work, embeddings)
    measured = Measured(work, notes, of_bundle=_stated(served, pooled))
    report = assemble(measured, procedure, engine, lambda done, _: advance(2 + done, steps))
    report.write(out)
    write_predictions(pooled, out)
    advance(steps, steps)
    return report


def checked_for(served: ServedBundle, cohort: Cohort, embeddings: Embeddings | None) -> tuple[Cohort, list[str]]:
    """The cohort, and a sentence for each thing that is odd in it or does not go with the bundle."""
    _check_profile(served, cohort)
    served.check_embeddings(embeddings)
    cohort = served.with_composition(cohort, embeddings)
    cohort, notes = checked(cohort, embeddings)
    if embeddings and not served.bundle.manifest.encoder:
        notes.append("the bundle was trained without slides, so the embeddings were not used")
    notes += served.check_vectors(cohort)
    for known in served.training.seen:
        notes += check_between(known, cohort, embeddings)
    return cohort, notes


def _procedure(served: ServedBundle, work: SectionWork, embeddings: Embeddings | None) -> ExternalValidation:
    return ExternalValidation(
        recalibration=recalibration(work.pooled, work.bootstrap, SEED),
        bundle=_named(served),
        splits=None,
        negative_controls=NoControls(),
        embeddings=embeddings.digest if embeddings else None,
        vectors=work.cohort.vector_digests,
        development=served.training.development,
        equations=bundle_equations(served.bundle, compared_models(served)),
    )


def _stated(served: ServedBundle, pooled: Pooled) -> tuple[str, ...]:
    """Reservations of the bundle itself, as far as they are about arms that were validated."""
    validated = [arm for arm in arms_of(served.profile, pooled.blocks) if arm.name in pooled.arms]
    return reservations_about(served, validated)


def _named(served: ServedBundle) -> ReportedBundle:
    manifest = served.bundle.manifest
    return ReportedBundle(name=manifest.name, digest=served.bundle.digest, created=manifest.created)


def _check_profile(served: ServedBundle, cohort: Cohort) -> None:
    trained, given = served.profile, cohort.profile
    if (trained.blocks, trained.variables, trained.outcome) != (given.blocks, given.variables, given.outcome):
        raise BadModelError(
            f"the bundle was trained with the profile {trained.name}, the cohort is read by {given.name}, "
            "and their blocks, variables or outcome differ"
        )


def kept_horizons(served: ServedBundle, cohort: Cohort) -> tuple[float, ...]:
    """Horizons of the bundle that the cohort's follow-up reaches.

    Raises:
        BadModelError: the first one is not among them.
    """
    trained = served.profile.horizons_years
    kept = tuple(years for years in trained if years in cohort.profile.horizons_years)
    if not kept or kept[0] != trained[0]:
        raise BadModelError(f"the cohort does not reach the bundle's first horizon, {trained[0]:g} years")
    return kept


def _predicted(served: ServedBundle, cohort: Cohort, patients: Patients) -> Pooled:
    trained, kept = served.profile, kept_horizons(served, cohort)
    predictions, absent = predict_all(served, patients)
    arms = {}
    for arm in arms_of(trained, patients.blocks):
        if arm.name in predictions:
            prediction, limit = predictions[arm.name], threshold_of(served, arm)
            flags = high_risk(arm.name, cohort, prediction.risk[:, patients.horizon], np.full(len(cohort), limit))[
                None, :
            ]
            arms[arm.name] = ArmResult(arm.name, arm.title, (prediction,), flags, acted_on(arm.name, np.array([limit])))
    profile = trained.model_copy(update={"horizons_years": kept})
    shown = replace(cohort, profile=profile, simulated=cohort.simulated or served.bundle.manifest.simulated)
    return Pooled(shown, patients.grid, arms, absent, np.full((1, len(cohort)), -1), patients.blocks)
