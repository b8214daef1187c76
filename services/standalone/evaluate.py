"""`medulla evaluate`: nested cross-validation of every arm."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.standalone.cohorts import (
    CohortTable,
    DefaultMpp,
    EmbeddingFolder,
    MapFile,
    ProfileFile,
    SlideFolder,
    read,
    report_lines,
    trainer,
)
from services.standalone.console import AsJson, print_json, progress, say

if TYPE_CHECKING:
    from services.standalone.cohort_slides import CohortSlides
    from services.trainer.cohort.embeddings import Embeddings
    from services.trainer.report.plate import Plate


def evaluate(
    cohort: CohortTable,
    out: Annotated[Path, typer.Option(help="Folder of the report.")],
    embeddings: EmbeddingFolder = None,
    profile: ProfileFile = None,
    columns: MapFile = None,
    slides: SlideFolder = None,
    default_mpp: DefaultMpp = None,
    repeats: Annotated[
        int | None, typer.Option(help="How often the cohort is split anew.", min=1, show_default="5")
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Outer folds.", min=2, show_default="5")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same report.", min=0)] = 1,
    by_site: Annotated[bool, typer.Option("--by-site", help="Keep sites whole: test on sites never seen.")] = False,
    splits: Annotated[Path | None, typer.Option(help="Frozen splits.json to use.", exists=True)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; else one a processor.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Cross-validate every arm and say what fusion adds; a stopped run goes on where it was.

    With --slides the report shows the tiles that are typical of each prototype.
    """
    _check_together(slides, embeddings, splits, how_to_split=bool(repeats or folds or by_site))
    with trainer(goes_on=True):
        from services.standalone.cohort_slides import CohortSlides  # noqa: PLC0415 - see cohorts
        from services.trainer.evaluation.evaluate import Plan  # noqa: PLC0415 - see cohorts
        from services.trainer.evaluation.evaluate import evaluate as run  # noqa: PLC0415 - see cohorts
        from services.trainer.evaluation.run import default_workers, forget  # noqa: PLC0415 - see cohorts
        from services.trainer.report.page import write_page  # noqa: PLC0415 - see cohorts

        plan = Plan(repeats or Plan.repeats, folds or Plan.folds, seed, by_site, splits, workers or default_workers())
        table, bags = read(cohort, embeddings, profile, columns)
        files = CohortSlides.below(slides, default_mpp) if slides else None
        with progress("folds") as advance:
            report = run(table, bags, plan, out, advance)
        shown = _pictures(report, bags, files) if bags and files else None
        write_page(report, out, shown)
        forget(out)
    if as_json:
        print_json(report)
    else:
        warnings = [shown.lack] if shown and shown.lack else []
        say("\n".join([*warnings, *report_lines(report, out)]))


def _check_together(slides: Path | None, embeddings: Path | None, splits: Path | None, *, how_to_split: bool) -> None:
    """Refuse options that need another one or contradict it."""
    if slides and not embeddings:
        raise typer.BadParameter("--slides shows tiles that were embedded: name their --embeddings too")
    if splits and how_to_split:
        raise typer.BadParameter("--splits says how the cohort is split: leave --repeats, --folds and --by-site out")


def _pictures(report: dict[str, Any], bags: "Embeddings", files: "CohortSlides") -> "Plate":
    """The example tiles of the report's prototypes, cut from the slides."""
    from services.standalone.prototype_pictures import plate  # noqa: PLC0415 - see cohorts
    from services.tiler.isolation import isolated_readers  # noqa: PLC0415 - see cohorts

    with progress("slides") as advance, isolated_readers() as open_slide:
        return plate(report["prototypes"], bags, replace(files, open_slide=open_slide), advance)
