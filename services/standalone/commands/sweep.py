"""`medulla sweep`: how many inputs of the running system were announced."""

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, say


def sweep(as_json: AsJson = False) -> None:
    """Announce every slide, clinical record and deletion in the running system's bucket that no event announced."""
    with loading():
        from services.standalone import running_system
    with exit_codes():
        announced = running_system.sweep()
    if as_json:
        print_json(announced)
    else:
        say("\n".join(f"{prefix:10} {count} announced" for prefix, count in announced.items()))
