"""`medulla inspect`: one line a slide, as the reader sees it, or its problem."""

import typer

from services.standalone.commands.options import AsJson, CaseName, DefaultMpp, Slides, SlideTable
from services.standalone.console import exit_codes, loading, print_json, say
from shared.exit_codes import AT_FAULT


def inspect(
    paths: Slides = None,
    slides: SlideTable = None,
    case_id: CaseName = None,
    default_mpp: DefaultMpp = None,
    as_json: AsJson = False,
) -> None:
    """Say what the reader sees of each slide, or what is wrong with it."""
    with loading():
        from services.standalone.named_slides import named_slides
        from services.standalone.slide_finding import find
    with exit_codes():
        findings = find(named_slides(paths, slides, case_id), default_mpp)
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        say("\n".join(finding.line() for finding in findings))
    if any(finding.reason for finding in findings):
        raise typer.Exit(AT_FAULT)
