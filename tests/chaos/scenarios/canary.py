"""A name in every place that a lab controls, and a flipped byte in the database: neither may pass unnoticed."""

from collections import Counter
from collections.abc import Sequence

from shared.bus import topics
from tests.chaos.history import Landed, settle
from tests.chaos.landing import RECORD_ONLY
from tests.chaos.places import ANSWER, LOG, METRICS, OBJECT, TABLE, TOPIC, TRACE, Place, logs, metrics, places, traces
from tests.chaos.planted import FILE_NAME, FOLDER_NAME, NAME, RECORD, Planted
from tests.chaos.replaced import replaced
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.stack.services import SERVICES
from tests.support.installation import Installation
from tests.support.otlp_collector import collecting
from tests.support.polling import wait_for
from tests.support.system import System

_WATCHED = (LOG, METRICS, TRACE)
"""Read by many more people than a case is."""
KINDS = (*_WATCHED, TOPIC, OBJECT, TABLE, ANSWER)
"""What has to be searched: a row holds if some of each kind were, and if the name was seen where it may stand."""
_REFUSALS = (topics.DEAD_LETTERS, topics.SLIDES_REJECTED, "dead letter about ", "rejections about ")
"""Where a refusal says what it refuses."""
_OF_NO_CASE = f"{topics.SLIDES_REJECTED} about , "
"""Refusals of keys that name no case, which have no key of their own."""
_PATIENCE_S = 600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """The name is nowhere but where it was put, and the audit says that a score was altered."""
    planted = Planted()
    return rows(system, planted, _searched(system, planted), seed, size)


def rows(
    system: Installation,
    planted: Planted,
    searched: Sequence[Place],
    seed: int,
    size: Size,
    kinds: Sequence[str] = KINDS,
) -> list[Row]:
    """What the places that were searched come to, and whether the audit notices an altered score."""
    return [
        *of_names(searched, seed, size.name, kinds),
        _flipped(system, f"{planted.case}-flip", seed, size.name),
    ]


def of_names(searched: Sequence[Place], seed: int, size: str, kinds: Sequence[str] = KINDS) -> list[Row]:
    """Whether names stand in these places, among which some of each kind have to be."""
    return [
        Row(
            "A patient's name in slides, DICOM tags, label, macro, vector, record and the store's metadata is nowhere "
            "but in the refusal of the record that quotes it",
            *_leaks(searched, NAME, [place for place in searched if _quotes_record(place)], kinds),
            seed,
            size,
        ),
        Row(
            "A name in a key that is refused is nowhere but in the refusal of that key",
            *_leaks(searched, FOLDER_NAME, [place for place in searched if _refuses_key(place)], kinds),
            seed,
            size,
        ),
        _file_name(searched, seed, size, kinds),
    ]


def _searched(system: System, planted: Planted) -> list[Place]:
    """All places, after the cases with the names have ended."""
    with collecting() as (endpoint, collector):
        with replaced(system, SERVICES, {"MEDULLA_OTLP_ENDPOINT": endpoint}) as services:
            plant_and_settle(system, planted)
            searched = [*metrics(services), *places(system, planted.cases)]
        return [*searched, *logs(services), *traces(collector)]


def plant_and_settle(system: Installation, planted: Planted) -> None:
    """Land the cases with the names, and wait until each has ended as it has to."""
    left = settle(planted.land(system), system.case, _PATIENCE_S)
    assert not left, f"cases that have not ended as they have to: {left}"
    assert wait_for(lambda: _refused_keys(system, planted) == len(planted.bad_keys), _PATIENCE_S, pause_s=1)


def _refused_keys(system: Installation, planted: Planted) -> int:
    return sum(planted.folder in str(refused) for refused in system.get("/api/v1/refused")["refused"])


def _quotes_record(place: Place) -> bool:
    """The refusal of a record that holds the name, of an earlier run too, for those who may see the case."""
    about = place.name.startswith((*_REFUSALS, "cases/"))
    return RECORD in place.name and about and place.kind not in _WATCHED


def _refuses_key(place: Place) -> bool:
    """The refusal of a key that names no case, for those who may see all of them."""
    by_name = FOLDER_NAME in place.name and place.name.startswith(_REFUSALS)
    return by_name or place.name == "refused" or place.name.startswith(_OF_NO_CASE)


def _leaks(searched: Sequence[Place], name: str, allowed: Sequence[Place], kinds: Sequence[str]) -> tuple[str, bool]:
    """Figure and verdict on the places where a name stands and should not."""
    leaks = sorted(f"{place.kind} {place.name}" for place in searched if place.holds(name) and place not in allowed)
    quotes = sum(place.holds(name) for place in allowed)
    figure = f"{_counted(searched)} searched; in {', '.join(leaks) or 'none'}, and in {quotes} of the refusal"
    return figure, not leaks and quotes > 0 and _searched_all(searched, kinds)


def _counted(searched: Sequence[Place]) -> str:
    """Places by kind; a kind without any was not searched."""
    counts = Counter(place.kind for place in searched)
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS)


def _searched_all(searched: Sequence[Place], kinds: Sequence[str]) -> bool:
    return {place.kind for place in searched if place.content} >= set(kinds)


def _file_name(searched: Sequence[Place], seed: int, size: str, kinds: Sequence[str]) -> Row:
    """The slide's id keeps a readable part of its file's name, which topics, objects and answers about it hold."""
    holding = Counter(place.kind for place in searched if place.holds(FILE_NAME))
    leaks = [kind for kind in _WATCHED if holding[kind]]
    elsewhere = ", ".join(f"{number} {kind}" for kind, number in sorted(holding.items()) if kind not in _WATCHED)
    figure = f"in {', '.join(leaks) or 'none'}; as the slide's id in {elsewhere or 'nothing'}"
    held = not leaks and bool(holding) and _searched_all(searched, kinds)
    return Row("A name in a slide's file name is in no log, metric or trace", figure, held, seed, size)


def _flipped(system: Installation, case_id: str, seed: int, size: str) -> Row:
    """Alter a character of a stored score, ask, and put it back."""
    system.land_record(case_id)
    settle([Landed(case_id, RECORD_ONLY)], system.case, _PATIENCE_S)
    intact = bool(system.get("/api/v1/audit/verify")["intact"])
    change = "update scores set body = replace(body, %s, %s) where case_id = %s"
    with system.database() as database:
        database.execute(change, ('"simulated"', '"simulatee"', case_id))
        altered = bool(system.get("/api/v1/audit/verify")["intact"])
        database.execute(change, ('"simulatee"', '"simulated"', case_id))
    figure = f"before: {_in_words(intact)}; with one character changed: {_in_words(altered)}"
    return Row("One flipped byte of what the audit covers is noticed", figure, intact and not altered, seed, size)


def _in_words(intact: bool) -> str:
    return "intact" if intact else "not intact"
