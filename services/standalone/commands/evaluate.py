"""`medulla evaluate`: nested cross-validation of every arm."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import (
    AsJson,
    Cluster,
    CohortTable,
    DefaultMpp,
    EmbeddingFolder,
    MapFile,
    ProfileFile,
    SlideFolder,
    VectorTables,
    Workers,
    check_engine,
)
from services.standalone.console import exit_codes, loading, print_json, say

Repeats = Annotated[int | None, typer.Option(help="How often the cohort is split anew.", min=1, show_default="5")]
Optimism = Annotated[
    int, typer.Option(help="Bootstrap cohorts to fit every step in again, for the optimism of each arm.", min=0)
]


def evaluate(
    cohort: CohortTable,
    out: Annotated[Path, typer.Option(help="Folder of the report.")],
    embeddings: EmbeddingFolder = None,
    profile: ProfileFile = None,
    columns: MapFile = None,
    vectors: VectorTables = None,
    slides: SlideFolder = None,
    default_mpp: DefaultMpp = None,
    repeats: Repeats = None,
    folds: Annotated[int | None, typer.Option(help="Outer folds.", min=2, show_default="5")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same report.", min=0)] = 1,
    by_site: Annotated[bool, typer.Option("--by-site", help="Keep sites whole: test on sites never seen.")] = False,
    splits: Annotated[Path | None, typer.Option(help="Frozen splits.json to use.", exists=True)] = None,
    optimism: Optimism = 0,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Cross-validate every arm and say what fusion adds; a stopped run goes on where it was.

    With --slides the report shows the tiles that are typical of each prototype.
    """
    _check_together(slides, embeddings, splits, how_to_split=bool(repeats or folds or by_site))
    check_engine(workers, cluster)
    with loading():
        from services.standalone.cohort_files import CohortFiles
        from services.standalone.evaluated_cohort import EvaluatedFiles, evaluated, plan_of
        from services.standalone.evaluation_lines import evaluation_lines
        from services.trainer.bucket.copies import copies, keeps
        from services.trainer.bucket.s3_uri import as_typed
        from services.trainer.cluster_engine import engine_of
    with exit_codes(goes_on=keeps(out)), copies() as copied, copied.output(out) as folder:
        engine = engine_of(cluster, embeddings, workers)
        plan = plan_of(repeats, folds, seed, splits, engine, by_site=by_site, refits=optimism)
        table = CohortFiles.of(cohort, embeddings, columns, vectors, copied)
        result = evaluated(EvaluatedFiles(table, profile, slides, default_mpp), plan, folder)
    if as_json:
        print_json(result.report.model_dump(mode="json"))
    else:
        say("\n".join([*filter(None, [result.lack]), *evaluation_lines(result.report, as_typed(out))]))


def _check_together(slides: Path | None, embeddings: Path | None, splits: Path | None, *, how_to_split: bool) -> None:
    """Refuse options that need another one or contradict it."""
    if slides and not embeddings:
        raise typer.BadParameter("--slides shows tiles that were embedded: name their --embeddings too")
    if splits and how_to_split:
        raise typer.BadParameter("--splits says how the cohort is split: leave --repeats, --folds and --by-site out")
