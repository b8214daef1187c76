"""`medulla simulate | train | evaluate | validate`, loaded only when one of them is called: the libraries are heavy."""

from typer import Typer


def add_to(app: Typer) -> None:
    """Add the commands on cohorts."""
    from services.standalone.evaluate import evaluate  # noqa: PLC0415
    from services.standalone.simulate import simulate  # noqa: PLC0415
    from services.standalone.train import train  # noqa: PLC0415
    from services.standalone.validate import validate  # noqa: PLC0415

    for command in (simulate, train, evaluate, validate):
        app.command()(command)
