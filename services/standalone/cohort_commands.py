"""`medulla simulate | finetune | train | evaluate | validate`: the commands on cohorts."""

from typer import Typer

from services.standalone.evaluate import evaluate
from services.standalone.finetune import finetune
from services.standalone.simulate import simulate
from services.standalone.train import train
from services.standalone.validate import validate


def add_to(app: Typer) -> None:
    """Add the commands."""
    for command in (simulate, finetune, train, evaluate, validate):
        app.command()(command)
