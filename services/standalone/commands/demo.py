"""`medulla demo`: scores the bundled slide and record with the bundled model."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.commands.score import score_and_print
from services.standalone.console import exit_codes, loading
from services.standalone.demo_case import DEMO_BUNDLE, DEMO_RECORD, DEMO_SLIDE
from services.standalone.pipeline_options import Options


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("out/demo"), as_json: AsJson = False
) -> None:
    """Score the bundled real slide with the bundled SIMULATED clinical record and model."""
    with loading():
        from services.standalone.case import case_from
        from services.standalone.selection import select
    with exit_codes():
        case = case_from(select([DEMO_SLIDE]), DEMO_RECORD, None)
    score_and_print(case, DEMO_BUNDLE, Options(), out, as_json=as_json)
