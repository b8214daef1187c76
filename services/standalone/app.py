"""The command line `medulla`: its commands, in the order of its help."""

import logging
from typing import Annotated

import typer

from services.standalone.commands import bundle, classifier, dead_letters, encoder
from services.standalone.commands.backup import backup
from services.standalone.commands.demo import demo
from services.standalone.commands.doctor import doctor
from services.standalone.commands.embed import embed
from services.standalone.commands.erase import erase
from services.standalone.commands.evaluate import evaluate
from services.standalone.commands.export import export
from services.standalone.commands.export_features import export_features
from services.standalone.commands.finetune import finetune
from services.standalone.commands.import_features import import_features
from services.standalone.commands.inspect import inspect
from services.standalone.commands.monitor import monitor
from services.standalone.commands.outcomes import outcomes
from services.standalone.commands.rescore import rescore
from services.standalone.commands.restore import restore
from services.standalone.commands.score import score
from services.standalone.commands.simulate import simulate
from services.standalone.commands.sweep import sweep
from services.standalone.commands.tiles import tiles
from services.standalone.commands.train import train
from services.standalone.commands.up import up
from services.standalone.commands.validate import validate
from services.standalone.commands.waiting import waiting
from services.standalone.console import loading, say
from shared.notice import NOTICE
from shared.program import program_version

_COMMANDS = (
    *(simulate, tiles, finetune, train, evaluate, validate, outcomes, monitor, erase),
    *(demo, inspect, score, export, embed, export_features, up, doctor, waiting, sweep, rescore, backup, restore),
)

app = typer.Typer(
    help=f"Recurrence risk of medulloblastoma from whole-slide images and clinical data. {NOTICE}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for _command in _COMMANDS:
    app.command()(_command)
app.command("import")(import_features)
app.add_typer(bundle.app, name="bundle")
app.add_typer(encoder.app, name="encoder")
app.add_typer(classifier.app, name="classifier")
app.add_typer(dead_letters.app, name="dead-letters")


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"medulla {program_version()}")
        raise typer.Exit


@app.callback()
def _quiet(
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Log warnings only, and as sentences: a service's lines are for machines."""
    with loading():
        from shared import logs  # noqa: PLC0415 - loads only for a command that runs
    logs.configure("medulla", "WARNING", sentences=True)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # its errors are reported by the command, in a sentence
