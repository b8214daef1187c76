"""`medulla monitor`: whether scores come true, from outcomes that came later."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson, ProfileFile
from services.standalone.console import exit_codes, loading, print_json, say

Scores = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="SCORES",
        help="Scores as they were given: score.json files and folders of them, the folder of `medulla up`, "
        "s3://BUCKET; the running system where none is named.",
        show_default=False,
    ),
]
Outcomes = Annotated[
    list[Path],
    typer.Option(
        help="Outcomes that came later: a table with case_id and the profile's outcome columns, notes.csv of "
        "results, or FHIR Conditions (.json, .ndjson); repeatable."
    ),
]
CompleteUntil = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"], help="Day until which cases without a reported outcome are known to have had no event."
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Only scores given from this day on, as after a repaired model."),
]
Ratio = Annotated[float, typer.Option(min=1.1, max=10, help="Change of the hazard that the charts look for.")]
FalseAlarms = Annotated[
    float, typer.Option(min=0.001, max=0.5, help="Probability of a false alarm in --per-cases cases.")
]
PerCases = Annotated[int, typer.Option(min=10, max=100_000, help="Cases that --false-alarms is of.")]
Publish = Annotated[
    bool, typer.Option("--publish", help="Show the result on the page and in the metrics of the one store in SCORES.")
]


def monitor(
    outcomes: Outcomes,
    out: Annotated[Path, typer.Option(help="Folder of the report.")],
    scores: Scores = None,
    profile: ProfileFile = None,
    complete_until: CompleteUntil = None,
    since: Since = None,
    ratio: Ratio = 2.0,
    false_alarms: FalseAlarms = 0.05,
    per_cases: PerCases = 500,
    publish: Publish = False,
    as_json: AsJson = False,
) -> None:
    """Compare scores as they were given with what happened since: O/E, calibration, C, drift, and charts that flag."""
    with loading():
        from services.standalone.monitoring.monitor_lines import monitor_lines
        from services.standalone.monitoring.monitored_files import Monitoring, monitored
        from services.trainer.monitoring.chart import Design
        from services.trainer.profile import load_profile
    with exit_codes():
        options = Monitoring(
            scores=tuple(scores or ()),
            outcomes=tuple(outcomes),
            complete_until=complete_until.date() if complete_until else None,
            since=since.date() if since else None,
            design=Design(ratio, false_alarms, per_cases),
            publish=publish,
        )
        report = monitored(options, load_profile(profile), out, datetime.now(UTC))
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        say("\n".join(monitor_lines(report, out)))
