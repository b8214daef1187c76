"""`medulla dead-letters …`: lists, shows, replays and drops what the running system gave up."""

from typing import Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, say

app = typer.Typer(help="What was given up: list, show, replay, drop.", no_args_is_help=True)
Place = Annotated[str, typer.Argument(metavar="PLACE", help="Partition and offset, such as 0/12, from the list.")]
Places = Annotated[list[str] | None, typer.Argument(metavar="PLACE", help="Which ones, from the list.")]
Reason = Annotated[str | None, typer.Option(help="All with this reason code.")]
_LINE = "{place:8} {written} {reason:22} {service:14} {key}: {sentence}"


@app.command("list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only those with this reason code.")] = None,
    as_json: AsJson = False,
) -> None:
    """One line for each dead letter: place, reason, service, what it was about."""
    with loading():
        from services.standalone.dead_letter_topic import described, letters_with
    with exit_codes():
        letters = [described(delivery) for delivery in letters_with(reason)]
    if as_json:
        print_json(letters)
    else:
        lines = [_LINE.format(**row) for row in letters]
        say("\n".join(lines) or "There are no dead letters.")


@app.command()
def show(place: Place, as_json: AsJson = False) -> None:
    """Everything about one dead letter, its original bytes as text included."""
    with loading():
        from services.standalone.dead_letter_topic import described, letters_at
    with exit_codes():
        (letter,) = map(described, letters_at([place]))
    if as_json:
        print_json(letter)
    else:
        say("\n".join(f"{name:9} {value}" for name, value in letter.items()))


@app.command()
def replay(places: Places = None, reason: Reason = None, as_json: AsJson = False) -> None:
    """Send dead letters again to the topics they came from, after the cause was fixed."""
    _check_choice(places, reason)
    with loading():
        from services.standalone import dead_letter_topic
    with exit_codes():
        chosen = dead_letter_topic.chosen(places, reason)
        dead_letter_topic.send_again(chosen)
        replayed = [dead_letter_topic.place_of(letter) for letter in chosen]
    if as_json:
        print_json({"replayed": replayed})
    else:
        say(f"{len(replayed)} sent again")


@app.command()
def drop(places: Places = None, reason: Reason = None, as_json: AsJson = False) -> None:
    """Remove dead letters for good, such as those whose keys name a person; the others get new places."""
    _check_choice(places, reason)
    with loading():
        from services.standalone import dead_letter_topic
    with exit_codes():
        dropped = dead_letter_topic.drop(dead_letter_topic.chosen(places, reason))
    if as_json:
        print_json({"dropped": dropped})
    else:
        say(f"{len(dropped)} dropped; list the others again, since their places are new")


def _check_choice(places: list[str] | None, reason: str | None) -> None:
    if bool(places) == bool(reason):
        raise typer.BadParameter("name places, or a --reason")
