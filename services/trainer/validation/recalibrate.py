"""Recalibrates a bundle on the cohort that it was validated on: a new bundle, and what its risks are worth."""

from dataclasses import dataclass, replace
from pathlib import Path

from services.trainer.bundle.served import ServedBundle, read_bundle
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort.leaks import trained_on
from services.trainer.errors import BadModelError
from services.trainer.recalibration_method import Method
from services.trainer.report_model.procedure import ExternalValidation
from services.trainer.report_model.recalibrated import RecalibratedBundle
from services.trainer.report_model.report import Report
from services.trainer.validation.before_after import FOLDS, before_and_after
from services.trainer.validation.recalibrated import Recalibrator
from services.trainer.validation.recalibrated_files import RecalibrationFacts, write_recalibrated
from services.trainer.validation.validate import checked_for, kept_horizons


@dataclass(frozen=True)
class RecalibrationPlan:
    """What is fitted anew, and the date of the new bundle."""

    method: Method
    created: str


def recalibrate(
    folder: Path, cohort: Cohort, embeddings: Embeddings | None, plan: RecalibrationPlan, out: Path
) -> RecalibratedBundle:
    """Write to `out` the bundle of `folder` with risks set right on a cohort; the one of `folder` stays as it is.

    Raises:
        BadModelError, LeakError: as in `validate`.
        UnusableCohortError: the cohort has too few events, or does not tell a level, or a slope above 0.
        BadTargetError: `out` holds something that is no bundle, or is `folder`.
    """
    if out.resolve() == folder.resolve():
        raise BadModelError("a recalibrated bundle never replaces the one that it is made of; name another folder")
    served = read_bundle(folder)
    cohort, _ = checked_for(served, cohort, embeddings)
    recalibrator = Recalibrator(served, plan.method, kept_horizons(served, cohort))
    patients = served.patients(replace(cohort, profile=served.profile), embeddings)
    arms = before_and_after(recalibrator, patients)
    years = recalibrator.years[0]
    events = int((cohort.outcome.is_event & (cohort.outcome.time <= years)).sum())
    facts = RecalibrationFacts(
        method=plan.method,
        created=plan.created,
        cohort=cohort.name,
        table=cohort.digest,
        simulated=cohort.simulated,
        patients=len(cohort),
        events=events,
        years=years,
        arms=arms,
        seen={kind: tuple(digests) for kind, digests in trained_on(cohort, embeddings).items()},
    )
    digest = write_recalibrated(folder, recalibrator(patients), facts, out)
    return _entry(served, facts, digest)


def _entry(served: ServedBundle, facts: RecalibrationFacts, digest: str) -> RecalibratedBundle:
    return RecalibratedBundle(
        method=facts.method.value,
        name=f"{served.bundle.manifest.name}-recalibrated",
        digest=digest,
        patients=facts.patients,
        events=facts.events,
        folds=FOLDS,
        arms=facts.arms,
    )


def with_recalibrated(report: Report, entry: RecalibratedBundle) -> Report:
    """The report of a validation that also says which bundle was made of the one it is about."""
    if not isinstance(report.procedure, ExternalValidation):
        return report
    return report.model_copy(update={"procedure": report.procedure.model_copy(update={"recalibrated": entry})})
