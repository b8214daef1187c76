"""`medulla dead-letters …`: what the running system gave up, why, and the way back."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from services.standalone.console import AsJson, exit_codes, print_json, say
from shared.bus import dead_letters, topics
from shared.bus.kafka_admin import read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Record
from shared.errors import PermanentError
from shared.settings import KafkaSettings, PlatformSettings, load

app = typer.Typer(help="What was given up: list, show, replay.", no_args_is_help=True)
LetterId = Annotated[str, typer.Argument(metavar="ID", help="The first column of the list.")]
_VALUE_SHOWN = 2000
_LINE = "{id} {written} {reason:22} {service:14} {key}: {sentence}"


class UnknownDeadLetterError(PermanentError):
    """No dead letter has that id."""

    reason = "unknown_dead_letter"
    advice = "List them with `medulla dead-letters list`; its first column is what show and replay take."


@dataclass(frozen=True, slots=True)
class _Letter:
    record: Record
    written: str
    """When it was given up or, after an erasure, written anew; ISO 8601."""
    replayed: str | None
    """When it was last sent again, ISO 8601."""

    @property
    def reason(self) -> str:
        return dead_letters.read(self.record).reason

    def described(self) -> dict[str, Any]:
        letter = asdict(dead_letters.read(self.record))
        value = letter.pop("value").decode("utf-8", "backslashreplace")
        about = {"id": dead_letters.letter_id(self.record), "written": self.written, "replayed": self.replayed}
        return about | letter | {"value": value[:_VALUE_SHOWN]}


@app.command("list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only those with this reason code.")] = None,
    as_json: AsJson = False,
) -> None:
    """One line for each dead letter: id, reason, service, what it was about, and when it was last sent again."""
    with exit_codes():
        found = [letter.described() for letter in _all().values() if reason in {None, letter.reason}]
    if as_json:
        print_json(found)
    else:
        say("\n".join(map(_line, found)) or "There are no dead letters.")


@app.command()
def show(letter: LetterId, as_json: AsJson = False) -> None:
    """Everything about one dead letter, its original bytes as text included."""
    with exit_codes():
        (found,) = (chosen.described() for chosen in _named([letter]).values())
    if as_json:
        print_json(found)
    else:
        say("\n".join(f"{name:9} {value}" for name, value in found.items() if value is not None))


@app.command()
def replay(
    letters: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Which ones, from the list.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="All with this reason code that were not sent again before.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again to the topics they came from, after the cause was mended."""
    if bool(letters) == bool(reason):
        raise typer.BadParameter("name ids, or a --reason")
    with exit_codes():
        chosen = _not_replayed(reason) if reason else _named(letters or [])
        records = [letter.record for letter in chosen.values()]
        with closing(KafkaProducerAdapter(_kafka())) as producer:
            producer.send([*map(dead_letters.original, records), *map(dead_letters.replay_note, records)])
    if as_json:
        print_json({"replayed": list(chosen)})
    else:
        say(f"{len(chosen)} sent again")


def _line(found: dict[str, Any]) -> str:
    mark = f" (replayed {found['replayed']})" if found["replayed"] else ""
    return _LINE.format(**found) + mark


def _named(ids: Sequence[str]) -> dict[str, _Letter]:
    """The dead letters with these ids, in their order, from one reading of the topic."""
    found = _all()
    for name in ids:
        if name not in found:
            raise UnknownDeadLetterError(f"there is no dead letter {name!r}")
    return {name: found[name] for name in ids}


def _not_replayed(reason: str) -> dict[str, _Letter]:
    return {name: letter for name, letter in _all().items() if letter.reason == reason and not letter.replayed}


def _all() -> dict[str, _Letter]:
    """Every dead letter by its id; one that stands twice, as a broken-off erasure leaves it, counts once."""
    letters: dict[str, tuple[Record, str]] = {}
    replayed: dict[str, str] = {}
    for delivery in read_topic(_kafka(), topics.DEAD_LETTERS):
        written = datetime.fromtimestamp(delivery.written_at, UTC).isoformat(timespec="seconds")
        if replayed_id := dead_letters.replayed_letter(delivery.record):
            replayed[replayed_id] = max(written, replayed.get(replayed_id, ""))
        else:
            letters[dead_letters.letter_id(delivery.record)] = delivery.record, written
    return {name: _Letter(record, written, replayed.get(name)) for name, (record, written) in letters.items()}


def _kafka() -> KafkaSettings:
    return load(PlatformSettings).kafka
