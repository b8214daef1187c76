"""`medulla doctor`: what an installation still lacks, step by step."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, say
from shared.exit_codes import AT_FAULT

Values = Annotated[Path | None, typer.Option(metavar="FILE", help="Check a values file of the chart instead.")]
Namespace = Annotated[
    str, typer.Option(help="With --values: ask for its secrets here by kubectl, and for its images and its route.")
]


def doctor(values: Values = None, namespace: Namespace = "", as_json: AsJson = False) -> None:
    """Check an installation in the order of its steps, from the running system's settings or a values file."""
    with loading():
        from services.standalone.doctor.chart_images import chart_images
        from services.standalone.doctor.cluster_secrets import check_secrets
        from services.standalone.doctor.findings import any_missing, run_checks
        from services.standalone.doctor.from_settings import running_parts
        from services.standalone.doctor.registry import check_images
        from services.standalone.doctor.route import check_route
        from services.standalone.doctor.values_file import check_values, read_values
    with exit_codes():
        if values is None:
            findings = list(run_checks(running_parts().checks()))
        else:
            decided = read_values(values)
            findings = list(check_values(decided))
            if namespace:
                findings += check_secrets(decided, namespace)
                findings += (*check_images(chart_images(decided)), *check_route(decided))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        say("\n".join(f"{finding.state:8} {finding.step:12} {finding.sentence}" for finding in findings))
    if any_missing(findings):
        raise typer.Exit(AT_FAULT)
