"""Runs `medulla` in this process."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from services.standalone.app import app

AT_FAULT, WRONG_USAGE = 1, 2
"""Exit codes as users know them."""


def medulla(*arguments: object) -> Result:
    """The result of a command: its exit code and what it printed."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def printed(*arguments: object) -> Any:
    """The JSON that a command prints."""
    done = medulla(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)
