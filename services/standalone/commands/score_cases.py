"""`medulla score --cases`: how many cases were scored, abstained on and refused, and the table that lists them."""

from collections.abc import Sequence
from pathlib import Path

import typer

from services.standalone.console import complain, exit_codes, loading, print_json, say
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
        from services.trainer.bucket.copies import copies, keeps
        from services.trainer.bucket.s3_uri import as_typed
    with exit_codes(goes_on=keeps(out)), copies() as copied, copied.output(out) as folder:
        files = CohortFiles.of(table, embeddings, columns, vectors, copied)
        scored = score_cohort(files, copied.bundle(bundle), folder)
    refused, count = scored.refused, len(scored.outcomes) - len(scored.refused)
    abstained = sum(bool(outcome.score and outcome.score.abstained) for outcome in scored.outcomes)
    if as_json:
        print_json(
            {"scored": count, "abstained": abstained, "refused": len(refused), "scores": f"{as_typed(out)}/scores.csv"}
        )
    else:
        without_risk = f" (the model abstained on {abstained} of them)" if abstained else ""
        say(
            f"{counted(count, 'case')} scored{without_risk}, {len(refused)} refused; "
            f"all are listed in {as_typed(out)}/scores.csv"
        )
    for case, error in refused[:_LISTED]:
        complain(f"refused: {case or 'a row'}: {explain_here(error)}")
    if not count:
        raise typer.Exit(AT_FAULT)
