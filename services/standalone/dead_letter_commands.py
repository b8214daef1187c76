"""`medulla dead-letters …`: what the running system gave up, why, the way back, and its removal."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from services.standalone.console import AsJson, exit_codes, print_json, say
from shared.bus import dead_letters, topics
from shared.bus.kafka_admin import forget, read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Delivery
from shared.errors import PermanentError
from shared.settings import KafkaSettings, PlatformSettings, load

app = typer.Typer(help="What was given up: list, show, replay, drop.", no_args_is_help=True)
Place = Annotated[str, typer.Argument(metavar="PLACE", help="Partition and offset, such as 0/12, from the list.")]
Places = Annotated[list[str] | None, typer.Argument(metavar="PLACE", help="Which ones, from the list.")]
Reason = Annotated[str | None, typer.Option(help="All with this reason code.")]
_VALUE_SHOWN = 2000
_LINE = "{place:8} {written} {reason:22} {service:14} {key}: {sentence}"


class UnknownDeadLetterError(PermanentError):
    """No dead letter stands at that place."""

    reason = "unknown_dead_letter"
    advice = "List them with `medulla dead-letters list`; its first column is what show, replay and drop take."


@app.command("list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only those with this reason code.")] = None,
    as_json: AsJson = False,
) -> None:
    """One line for each dead letter: place, reason, service, what it was about."""
    with exit_codes():
        found = [_described(delivery) for delivery in _all() if reason in {None, _reason(delivery)}]
    if as_json:
        print_json(found)
    else:
        lines = [_LINE.format(**row) for row in found]
        say("\n".join(lines) or "There are no dead letters.")


@app.command()
def show(place: Place, as_json: AsJson = False) -> None:
    """Everything about one dead letter, its original bytes as text included."""
    with exit_codes():
        (found,) = map(_described, _at([place]))
    if as_json:
        print_json(found)
    else:
        say("\n".join(f"{name:9} {value}" for name, value in found.items()))


@app.command()
def replay(places: Places = None, reason: Reason = None, as_json: AsJson = False) -> None:
    """Send dead letters again to the topics they came from, after the cause was mended."""
    with exit_codes():
        chosen = _chosen(places, reason)
        with closing(KafkaProducerAdapter(_kafka())) as producer:
            producer.send([dead_letters.original(delivery.record) for delivery in chosen])
    if as_json:
        print_json({"replayed": [_place(delivery) for delivery in chosen]})
    else:
        say(f"{len(chosen)} sent again")


@app.command()
def drop(places: Places = None, reason: Reason = None, as_json: AsJson = False) -> None:
    """Remove dead letters for good, such as those whose keys name a person; the others get new places."""
    with exit_codes():
        chosen = {_place(delivery) for delivery in _chosen(places, reason)}
        with closing(KafkaProducerAdapter(_kafka())) as producer:
            forget(_kafka(), producer, topics.DEAD_LETTERS, lambda delivery: _place(delivery) in chosen)
    if as_json:
        print_json({"dropped": sorted(chosen)})
    else:
        say(f"{len(chosen)} dropped; list the others again, since their places are new")


def _chosen(places: Sequence[str] | None, reason: str | None) -> list[Delivery]:
    if bool(places) == bool(reason):
        raise typer.BadParameter("name places, or a --reason")
    return [delivery for delivery in _all() if _reason(delivery) == reason] if reason else _at(places or [])


def _at(places: Sequence[str]) -> list[Delivery]:
    """The dead letters at `places`, in their order, from one reading of the topic."""
    found = {_place(delivery): delivery for delivery in _all()}
    for place in places:
        if place not in found:
            raise UnknownDeadLetterError(f"there is no dead letter at {place!r}")
    return [found[place] for place in places]


def _all() -> Iterator[Delivery]:
    return read_topic(_kafka(), topics.DEAD_LETTERS)


def _kafka() -> KafkaSettings:
    return load(PlatformSettings).kafka


def _reason(delivery: Delivery) -> str:
    return dead_letters.read(delivery.record).reason


def _place(delivery: Delivery) -> str:
    return f"{delivery.partition}/{delivery.offset}"


def _described(delivery: Delivery) -> dict[str, Any]:
    letter = asdict(dead_letters.read(delivery.record))
    value = letter.pop("value").decode("utf-8", "backslashreplace")
    written = datetime.fromtimestamp(delivery.written_at, UTC).isoformat(timespec="seconds")
    return {"place": _place(delivery), "written": written} | letter | {"value": value[:_VALUE_SHOWN]}
