"""What the commands on cohorts share: options, reading, and the few lines that they print.

The trainer's libraries take seconds to load and are not installed for a mere demo, so they are imported where used.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.standalone.console import exit_codes, note
from shared.errors import TransientError

if TYPE_CHECKING:
    from services.trainer.cohort.cohort import Cohort
    from services.trainer.cohort.embeddings import Embeddings
    from shared.model.profile import Profile

CohortTable = Annotated[Path, typer.Option("--cohort", help="cohort.csv, one row a patient.")]
EmbeddingFolder = Annotated[
    Path | None, typer.Option("--embeddings", help="Folder with index.csv, as `medulla embed` or `simulate` writes it.")
]
ProfileFile = Annotated[
    str | None, typer.Option("--profile", help="Profile, a YAML file or the name of one that is shipped.")
]
MapFile = Annotated[
    Path | None, typer.Option("--map", help="YAML that maps other column names, words and units to the profile's.")
]
SlideFolder = Annotated[
    Path | None,
    typer.Option(
        "--slides", help="Folder with slides/{case_id}/, as for `medulla embed`.", exists=True, file_okay=False
    ),
]
DefaultMpp = Annotated[float | None, typer.Option(help="Microns per pixel of slides that do not say it.", min=0)]


@contextmanager
def trainer(*, goes_on: bool = False) -> Iterator[None]:
    """Turn errors into one sentence and an exit code, also that of libraries that are not installed."""
    with exit_codes(goes_on=goes_on):
        try:
            yield
        except ModuleNotFoundError as error:
            raise TransientError(
                f"this command needs {error.name}, which is not installed: `make dev` in the project brings it."
            ) from error


def read(
    table: Path, embeddings: Path | None, profile: "Profile | str | None", columns: Path | None
) -> "tuple[Cohort, Embeddings | None]":
    """Read a cohort and, where given, its embeddings; say what was read as what."""
    from services.trainer.cohort.column_map import load_map  # noqa: PLC0415 - see above
    from services.trainer.cohort.embeddings import read_embeddings  # noqa: PLC0415 - see above
    from services.trainer.cohort.table import read_cohort  # noqa: PLC0415 - see above
    from services.trainer.profile import load_profile  # noqa: PLC0415 - see above
    from shared.model.profile import Profile  # noqa: PLC0415 - see above

    known = profile if isinstance(profile, Profile) else load_profile(profile)
    cohort = read_cohort(table, known, load_map(columns) if columns else None)
    if cohort.readings:
        note("\n  ".join([f"{table.name}:", *cohort.readings]))
    return cohort, read_embeddings(embeddings) if embeddings else None


def today() -> str:
    """The date, UTC."""
    return datetime.now(UTC).date().isoformat()


def report_lines(report: dict[str, Any], out: Path) -> list[str]:
    """A report in a few lines."""
    rows = [f"{'arm':<24}{'n':>6}  {'Harrell C':<22}{'Uno C':<22}O/E"]
    for name, arm in report["arms"].items():
        rows.append(
            f"{name:<24}{arm['n']:>6}  {_said(arm['harrell_c']):<22}{_said(arm['uno_c']):<22}"
            f"{_said(arm['calibration']['o_e'])}"
        )
    rows += [f"{name}: left out, {why}" for name, why in report["absent"].items()]
    rows += report["notes"]
    if report["simulated"]:
        rows.append("SIMULATED: these patients never lived.")
    return [*rows, report["primary"], f"Report: {out / 'report.html'}"]


def _said(figure: dict[str, float | None]) -> str:
    if figure["est"] is None:
        return "-"
    if figure["lo"] is None or figure["hi"] is None:
        return f"{figure['est']:.3f}"
    return f"{figure['est']:.3f} ({figure['lo']:.3f}-{figure['hi']:.3f})"
