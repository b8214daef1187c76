"""`medulla waiting`: the slides of the running system that wait for a score or a refusal, and why."""

from services.standalone.commands.options import AsJson
from services.standalone.console import complain, exit_codes, loading, print_json, say


def waiting(as_json: AsJson = False) -> None:
    """Slides of the running system that wait for a score: stage, since when, why, next attempt, trace."""
    with loading():
        from services.standalone import waiting_slides
        from shared.waiting import as_json as in_json
    with exit_codes():
        listed = waiting_slides.listed()
    if as_json:
        print_json(in_json(listed))
    else:
        say("\n".join(waiting_slides.lines(listed)))
    if listed.problem:
        complain(f"Reasons and next attempts are missing: {listed.problem}.")
