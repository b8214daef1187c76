"""`medulla outcomes`: the outcomes that people noted, joined into a cohort table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson, ProfileFile
from services.standalone.console import exit_codes, loading, print_json, say
from shared.words import counted


def outcomes(
    notes: Annotated[Path, typer.Argument(metavar="NOTES.csv", help="Notes as the page and REST export them.")],
    cohort: Annotated[Path, typer.Option(help="cohort.csv, one row a patient.")],
    out: Annotated[Path, typer.Option(help="The table to write: the cohort with the noted outcomes.")],
    profile: ProfileFile = None,
    as_json: AsJson = False,
) -> None:
    """Join the outcomes that people noted for cases into a cohort table; the latest note of a case counts."""
    with loading():
        from services.trainer.cohort.noted_outcomes import join_outcomes
        from services.trainer.cohort.rows import read_bytes, read_rows
        from services.trainer.profile import load_profile
        from shared.csv_file import write_csv
    with exit_codes():
        patients, noted = (read_rows(read_bytes(path, str(path)), str(path)) for path in (cohort, notes))
        table = join_outcomes(patients, noted, load_profile(profile).outcome)
        write_csv(out, table.header, table.rows)
    if as_json:
        print_json({"joined": table.joined, "undated": table.undated, "others": table.others, "table": str(out)})
    else:
        say("\n".join(_lines(table.joined, table.undated, table.others, out)))


def _lines(joined: Sequence[str], undated: Sequence[str], others: Sequence[str], out: Path) -> list[str]:
    left_out = {"with a date but no years since diagnosis": undated, "not in the cohort": others}
    lines = [f"outcomes of {counted(len(joined), 'case')} joined into {out}"]
    return lines + [f"left out, {why}: {', '.join(cases)}" for why, cases in left_out.items() if cases]
