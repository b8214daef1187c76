"""Cross-validates a cohort and writes its report, with the tiles of each prototype where there are slides."""

from dataclasses import dataclass
from pathlib import Path

from services.standalone import cohort_files
from services.standalone.cohort_files import CohortFiles
from services.standalone.cohort_slides import CohortSlides
from services.standalone.console import progress
from services.standalone.prototype_pictures import example_tiles
from services.trainer.engine import Engine
from services.trainer.evaluation.evaluate import Plan, evaluate
from services.trainer.evaluation.run import forget
from services.trainer.profile import load_profile
from services.trainer.report.page import write_page
from services.trainer.report_model.report import Report


@dataclass(frozen=True)
class EvaluatedFiles:
    """What is evaluated, and how it is read."""

    cohort: CohortFiles
    profile: str | None
    slides: Path | None
    default_mpp: float | None


@dataclass(frozen=True)
class Evaluated:
    """The report of a cohort, and what people are told of it."""

    report: Report
    lack: str
    """Why prototypes have no pictures; empty where they do, or where there are no slides."""


def plan_of(
    repeats: int | None,
    folds: int | None,
    seed: int,
    splits: Path | None,
    engine: Engine,
    *,
    by_site: bool,
    refits: int,
) -> Plan:
    """The plan of a cross-validation; what is None is the default."""
    return Plan(
        repeats or Plan.repeats,
        folds or Plan.folds,
        seed,
        by_site,
        splits,
        engine,
        refits=refits,
    )


def evaluated(files: EvaluatedFiles, plan: Plan, out: Path) -> Evaluated:
    """Cross-validate every arm and write the report to `out`; a stopped run resumes.

    Raises:
        PermanentError: the table, the bags, the slides or the splits are refused.
    """
    table, bags = cohort_files.read(files.cohort, load_profile(files.profile))
    slides = CohortSlides.below(files.slides, files.default_mpp) if files.slides else None
    with progress("folds") as advance:
        report = evaluate(table, bags, plan, out, advance)
    examples = example_tiles(report.prototypes, bags, slides) if bags and slides else None
    write_page(report, out, examples)
    forget(out)
    return Evaluated(report, examples.lack if examples else "")
