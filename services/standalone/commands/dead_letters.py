"""`medulla dead-letters …`: lists, shows, replays and drops what the running system gave up."""

from typing import Annotated, Any

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, say

app = typer.Typer(help="What was given up: list, show, replay, drop.", no_args_is_help=True)
LetterId = Annotated[str, typer.Argument(metavar="ID", help="The first column of the list.")]
LetterIds = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Which ones, from the list.")]
_LINE = "{id} {written} {reason:22} {service:14} {key}: {sentence}"


@app.command("list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only those with this reason code.")] = None,
    as_json: AsJson = False,
) -> None:
    """One line for each dead letter: id, reason, service, what it was about, how often, and when it was sent again."""
    with loading():
        from services.standalone.dead_letter_topic import letters_with
    with exit_codes():
        letters = [letter.described() for letter in letters_with(reason)]
    if as_json:
        print_json(letters)
    else:
        say("\n".join(map(_line, letters)) or "There are no dead letters.")


@app.command()
def show(letter: LetterId, as_json: AsJson = False) -> None:
    """Everything about one dead letter, its original bytes as text included."""
    with loading():
        from services.standalone.dead_letter_topic import letters_named
    with exit_codes():
        (described,) = (named.described() for named in letters_named([letter]))
    if as_json:
        print_json(described)
    else:
        say("\n".join(f"{name:9} {value}" for name, value in described.items() if value is not None))


@app.command()
def replay(
    letters: LetterIds = None,
    reason: Annotated[
        str | None, typer.Option(help="All with this reason code that were not sent again before.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again to the topics they came from, after the cause was fixed."""
    _check_choice(letters, reason)
    with loading():
        from services.standalone.dead_letter_topic import letters_named, letters_with, send_again
    with exit_codes():
        unsent = [letter for letter in letters_with(reason) if not letter.replayed] if reason else []
        chosen = unsent if reason else letters_named(letters or [])
        send_again(chosen)
    if as_json:
        print_json({"replayed": [letter.letter_id for letter in chosen]})
    else:
        say(f"{len(chosen)} sent again")


@app.command()
def drop(
    letters: LetterIds = None,
    reason: Annotated[str | None, typer.Option(help="All with this reason code.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remove dead letters for good, such as those whose keys name a person."""
    _check_choice(letters, reason)
    with loading():
        from services.standalone import dead_letter_topic
    with exit_codes():
        chosen = dead_letter_topic.letters_with(reason) if reason else dead_letter_topic.letters_named(letters or [])
        dead_letter_topic.drop(chosen)
    if as_json:
        print_json({"dropped": [letter.letter_id for letter in chosen]})
    else:
        say(f"{len(chosen)} dropped")


def _check_choice(letters: list[str] | None, reason: str | None) -> None:
    if bool(letters) == bool(reason):
        raise typer.BadParameter("name ids, or a --reason")


def _line(letter: dict[str, Any]) -> str:
    again = f" ({letter['times']} times)" if letter["times"] > 1 else ""
    mark = f" (replayed {letter['replayed']})" if letter["replayed"] else ""
    return _LINE.format(**letter) + again + mark
