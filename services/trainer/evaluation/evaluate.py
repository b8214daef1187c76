"""The whole cross-validation: checks, splits, folds, figures, and the files of a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.trainer.arms.known_blocks import blocks_of_cohort
from services.trainer.cohort.checked import checked
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.engine import HERE, Engine
from services.trainer.evaluation.assemble import Measured, assemble
from services.trainer.evaluation.control_figures import control_figures
from services.trainer.evaluation.controls import permute_outcome
from services.trainer.evaluation.optimism import optimism
from services.trainer.evaluation.pooled import pool
from services.trainer.evaluation.predictions import PREDICTIONS, write_predictions
from services.trainer.evaluation.prototype_rows import prototype_rows
from services.trainer.evaluation.run import Job, RawResults, run_all
from services.trainer.evaluation.sections import SectionWork
from services.trainer.evaluation.splits import Splits, draw_splits, folds_without_events, load_splits
from services.trainer.metrics.bootstrap import Draws
from services.trainer.report_model.procedure import CrossValidation
from services.trainer.report_model.report import REPORT, Report
from services.trainer.vectors.unlearned import unlearned_notes
from shared.progress import Advance, silent


@dataclass(frozen=True)
class Plan:
    """How to cross-validate."""

    repeats: int = 5
    folds: int = 5
    seed: int = 1
    by_site: bool = False
    frozen: Path | None = None
    """A splits.json to use instead of drawing."""
    engine: Engine = HERE
    samples: int = 2000
    refits: int = 0
    """Bootstrap cohorts in which every step is fitted again, for the optimism."""


def evaluate(cohort: Cohort, embeddings: Embeddings | None, plan: Plan, out: Path, advance: Advance) -> Report:
    """Cross-validate every arm; writes splits, predictions.csv and report.json into `out` and gives the report.

    Finished folds stay there until `run.forget`, so that a run that is stopped after them goes on too.

    Raises:
        UnusableCohortError, LeakError, BadEmbeddingsError: before anything is fitted.
    """
    cohort, notes = checked(cohort, embeddings, plan.folds)
    out.mkdir(parents=True, exist_ok=True)
    splits = _splits(cohort, plan)
    notes += [*folds_without_events(splits, cohort), *unlearned_notes(cohort)]
    _replace_splits(splits, out)
    job = Job(cohort, embeddings, splits, plan.seed, out, plan.refits)
    return _reported(job, run_all(job, plan.engine, advance), notes, plan)


def _splits(cohort: Cohort, plan: Plan) -> Splits:
    if plan.frozen:
        return load_splits(plan.frozen, cohort)
    return draw_splits(cohort, plan.repeats, plan.folds, plan.seed, by_site=plan.by_site)


def _reported(job: Job, raw: RawResults, notes: Sequence[str], plan: Plan) -> Report:
    """Measure what all folds predicted, and write it down."""
    cohort, embeddings, splits = job.cohort, job.embeddings, job.splits
    blocks = blocks_of_cohort(cohort, embeddings)
    pooled = pool(cohort, raw.folds, splits.fold_of, blocks)
    permuted = pool(permute_outcome(cohort, job.seed), raw.permuted, splits.fold_of[:1], blocks)
    has = embeddings.has(cohort.case_ids) if embeddings else None
    work = SectionWork(pooled, has, Draws(len(cohort), job.seed, plan.samples))
    measured = Measured(work, notes, prototype_rows(cohort, embeddings, job.seed, job.out))
    procedure = CrossValidation(
        splits=splits.digest,
        grouped_by=splits.grouped_by,
        seed=job.seed,
        repeats=splits.repeats,
        folds=splits.folds,
        negative_controls=control_figures(raw, permuted, work.bootstrap),
        embeddings=embeddings.digest if embeddings else None,
        vectors=cohort.vector_digests,
        optimism=optimism(raw.refits),
    )
    report = assemble(measured, procedure, plan.engine, silent)
    report.write(job.out)
    write_predictions(pooled, job.out)
    return report


def _replace_splits(splits: Splits, out: Path) -> None:
    """Write the splits; a report of other splits is removed first."""
    beside = out / "splits.json"
    if beside.exists() and beside.read_bytes() != splits.content:
        for name in ("report.html", REPORT, PREDICTIONS, "prototypes.csv"):
            (out / name).unlink(missing_ok=True)
    splits.write(out)
