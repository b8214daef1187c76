"""`medulla export`: a score as a file for people and other systems."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, say
from services.standalone.export_format import Format


def export(
    case_or_score: Annotated[
        str, typer.Argument(metavar="CASE|SCORE.json", help="A case with a score, or a file of `medulla score`.")
    ],
    kind: Annotated[Format, typer.Option("--as", help="What to write.")],
    out: Annotated[Path, typer.Option(help="The file to write.", dir_okay=False)],
    slide: Annotated[str, typer.Option(help="The slide, if the model looked at several.")] = "",
    folder: Annotated[
        Path | None,
        typer.Option(
            "--store",
            help="Folder of the score's objects, or of `medulla up`; by default what lies beside SCORE.json, "
            "and the running system for a CASE.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write one score for people (pdf), a hospital system (fhir), QuPath (geojson) or an image archive (dicom)."""
    with loading():
        from services.standalone.export_files import write_export
        from services.standalone.exported_case import exported_case
    with exit_codes(), exported_case(case_or_score, folder) as case:
        files = write_export(case, kind, slide, out)
        score = case.score
    if as_json:
        print_json({"case_id": score.case_id, "score_id": score.score_id, "files": list(map(str, files))})
    else:
        say("\n".join(f"{file}: case {score.case_id}. {score.notice}" for file in files))
