"""`medulla score --cases`: how many cases of a table were scored and refused, and the table that lists them."""

from collections.abc import Sequence
from pathlib import Path

import typer

from services.standalone.console import complain, exit_codes, loading, print_json, progress, say
from shared.exit_codes import AT_FAULT
from shared.words import counted

_LISTED = 20
"""Refusals that are printed; the table has all."""


def score_cases(
    table: Path,
    embeddings: Path | None,
    columns: Path | None,
    vectors: Sequence[str],
    bundle: Path,
    out: Path,
    *,
    as_json: bool,
) -> None:
    """Score every case of a table; ends with 1 if none has a score."""
    with loading():
        from services.standalone.advice import explain_here
        from services.standalone.cohort_files import CohortFiles
        from services.standalone.scored_cohort import score_cohort
    with exit_codes(goes_on=True), progress("cases") as advance:
        files = CohortFiles(table, embeddings, columns, tuple(vectors))
        scored = score_cohort(files, bundle, out, advance)
    refused, count = scored.refused, len(scored.outcomes) - len(scored.refused)
    if as_json:
        print_json({"scored": count, "refused": len(refused), "scores": str(scored.table)})
    else:
        say(f"{counted(count, 'case')} scored, {len(refused)} refused; all are listed in {scored.table}")
    for case, error in refused[:_LISTED]:
        complain(f"refused: {case or 'a row'}: {explain_here(error)}")
    if not count:
        raise typer.Exit(AT_FAULT)
