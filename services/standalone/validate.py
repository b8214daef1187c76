"""`medulla validate`: a bundle on a cohort that it has not seen."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.cohorts import CohortTable, EmbeddingFolder, MapFile, ProfileFile, read, report_lines, trainer
from services.standalone.console import AsJson, print_json, progress, say


def validate(
    bundle: Annotated[Path, typer.Option(help="Folder of a bundle made by `medulla train`.")],
    cohort: CohortTable,
    out: Annotated[Path, typer.Option(help="Folder of the report.")],
    embeddings: EmbeddingFolder = None,
    profile: ProfileFile = None,
    columns: MapFile = None,
    as_json: AsJson = False,
) -> None:
    """Validate a bundle externally; nothing is refitted, and the report names its digest."""
    with trainer():
        from services.trainer.bundle.served import read_bundle  # noqa: PLC0415 - see cohorts
        from services.trainer.evaluation.validate import validate as run  # noqa: PLC0415 - see cohorts
        from services.trainer.report.page import write_page  # noqa: PLC0415 - see cohorts

        served = read_bundle(bundle)
        table, bags = read(cohort, embeddings, profile or served.profile, columns)
        with progress("steps") as advance:
            report = run(served, table, bags, out, advance)
        write_page(report, out)
    if as_json:
        print_json(report)
    else:
        say("\n".join(report_lines(report, out)))
