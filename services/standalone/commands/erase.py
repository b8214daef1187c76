"""`medulla erase`: the state of a case after its erasure, or after an erasure was lifted."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, say


def erase(
    case_id: Annotated[str, typer.Argument(metavar="CASE", help="Pseudonym of the case.")],
    folder: Annotated[
        Path | None,
        typer.Option("--watch", help="A folder of `medulla up`, instead of the running system.", exists=True),
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Let an erased case be taken in again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a case for good: what was landed, derived, scored and given up; events that come later are dropped."""
    with loading():
        from services.standalone.case_erasure import erase_case, lift_erasure
        from shared import keys
    with exit_codes():
        case = keys.named_case(case_id, "the command line")
        state = lift_erasure(case, folder) if lift else erase_case(case, folder)
    if as_json:
        print_json({"case_id": case, "state": state})
    else:
        say(f"Case {case}: {state}.")
