"""`medulla validate`: a bundle on a cohort that it has not seen."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import (
    AsJson,
    Cluster,
    CohortTable,
    EmbeddingFolder,
    MapFile,
    ProfileFile,
    VectorTables,
    Workers,
    check_engine,
)
from services.standalone.console import exit_codes, loading, print_json, progress, say
from services.trainer.recalibration_method import Method

NewBundle = Annotated[
    Path | None,
    typer.Option("--recalibrate", help="Folder of a new bundle, with risks set right on this cohort."),
]
RecalibrationMethod = Annotated[
    Method, typer.Option(help="What is set right: the level, level and slope, or the baseline hazards.")
]


def validate(
    bundle: Annotated[Path, typer.Option(help="Folder of a bundle made by `medulla train`.")],
    cohort: CohortTable,
    out: Annotated[Path, typer.Option(help="Folder of the report.")],
    embeddings: EmbeddingFolder = None,
    profile: ProfileFile = None,
    columns: MapFile = None,
    vectors: VectorTables = None,
    new_bundle: NewBundle = None,
    recalibrate_by: RecalibrationMethod = Method.LEVEL,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Validate a bundle externally, as it is; --recalibrate writes a new one too, and the report compares both."""
    check_engine(workers, cluster)
    with loading():
        from services.standalone.cohort_files import CohortFiles, read
        from services.standalone.evaluation_lines import evaluation_lines
        from services.trainer.bucket.copies import copies
        from services.trainer.bucket.s3_uri import as_typed
        from services.trainer.bundle.served import read_bundle
        from services.trainer.cluster_engine import engine_of
        from services.trainer.profile import load_profile
        from services.trainer.report.page import write_page
        from services.trainer.validation.recalibrate import RecalibrationPlan, recalibrate, with_recalibrated
        from services.trainer.validation.validate import validate as validate_bundle
    with exit_codes(), copies() as copied, copied.output(out) as folder:
        source = copied.bundle(bundle)
        served = read_bundle(source)
        files = CohortFiles.of(cohort, embeddings, columns, vectors, copied)
        table, bags = read(files, load_profile(profile) if profile else served.profile)
        with progress("steps") as advance:
            report = validate_bundle(served, table, bags, folder, advance, engine_of(cluster, embeddings, workers))
        if new_bundle:
            plan = RecalibrationPlan(recalibrate_by, datetime.now(UTC).date().isoformat())
            with copied.bundle_output(new_bundle) as target:
                report = with_recalibrated(report, recalibrate(source, table, bags, plan, target))
                report.write(folder)
        write_page(report, folder)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        say("\n".join(evaluation_lines(report, as_typed(out))))
