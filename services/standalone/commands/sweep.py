"""`medulla sweep`: how many inputs of the running system were announced."""

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import complain, exit_codes, loading, print_json, say
from shared.exit_codes import AT_FAULT


def sweep(as_json: AsJson = False) -> None:
    """Announce slides, records, vectors and deletions in the running system's bucket that no event announced."""
    with loading():
        from services.standalone import running_system
    with exit_codes():
        swept = running_system.sweep()
    if as_json:
        print_json(swept.announced | {"failed": swept.failed})
    else:
        say("\n".join(f"{prefix:10} {count} announced" for prefix, count in swept.announced.items()))
    if swept.failed:
        complain(f"Could not check {', '.join(swept.failed)}. Report it with the incident ids above.")
        raise typer.Exit(AT_FAULT)
