"""Which cases a list shows and in which order, as values."""

import base64
import binascii
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from medulla.v1.results_pb2 import CaseFilter, CaseState

from services.results.errors import BadRequestError
from shared import keys
from shared.text import clean
from shared.units import CaseId

LONGEST_QUERY, LONGEST_TOKEN, MOST_VALUES = 200, 400, 50
SEPARATORS = "-_."
"""Between the parts of an id."""
_STATE = "CASE_STATE_"
STATES = tuple(name.removeprefix(_STATE).lower() for name in CaseState.keys()[1:])
IN_PROGRESS = STATES[0]
UNCERTAIN = ("crosses_threshold", "too_uncertain")
"""States of certainty that are flags too, and take the place of `scored` in the list."""
STANDINGS = (*STATES, *UNCERTAIN)
"""What the list filters and counts by as the state of a case."""
CERTAINTIES = ("clear", *UNCERTAIN)


class Field(StrEnum):
    """What cases are filtered and counted by."""

    STATE = "state"
    GROUP = "group"
    CERTAINTY = "certainty"
    FLAG = "flag"
    SITE = "site"
    REASON = "reason"


ALLOWED: Mapping[Field, tuple[str, ...]] = {Field.STATE: STANDINGS, Field.CERTAINTY: CERTAINTIES}
"""Values of the fields that have no others; groups, flags, sites and reasons depend on bundles and programs."""


def state_word(state: CaseState.ValueType) -> str:
    """A state as filters and counts name it, such as in_progress."""
    return CaseState.Name(state).removeprefix(_STATE).lower()


def standing(state: CaseState.ValueType, certainty: str) -> str:
    """The state of a case as the list has it: what keeps its score from being clear, or its state."""
    return certainty if certainty in UNCERTAIN else state_word(state)


def state_of(word: str | None) -> CaseState.ValueType:
    """The state of a word; in progress where an older program stored none."""
    return CaseState.Value(f"{_STATE}{(word or IN_PROGRESS).upper()}")


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects cases that have one of the values of each field, and every word in their id or site."""

    words: tuple[str, ...] = ()
    """Lower case, with a letter, digit or other character besides those that separate the parts of an id."""
    values: Mapping[Field, Collection[str]] = field(default_factory=dict)
    """Fields without a value are absent."""

    def without(self, name: Field) -> "Selection":
        """The same with any value of a field."""
        return Selection(self.words, {each: values for each, values in self.values.items() if each != name})


def selection(query: str = "", **values: Collection[str]) -> Selection:
    """A selection by the names of fields; empty values are as absent.

    Raises:
        BadRequestError: a value is none of the allowed ones, or there are too many.
    """
    if len(query) > LONGEST_QUERY:
        raise BadRequestError(f"the query has {len(query)} characters; at most {LONGEST_QUERY} are allowed")
    _check_text("the query", [query])
    chosen = {Field(name): frozenset(filter(None, each)) for name, each in values.items()}
    for name, each in chosen.items():
        _check(name, each)
    words = tuple(word for word in query.lower().split() if word.strip(SEPARATORS))
    return Selection(words, {name: each for name, each in chosen.items() if each})


def from_message(message: CaseFilter) -> Selection:
    """The selection of a request.

    Raises:
        BadRequestError: as in `selection`.
    """
    return selection(
        message.query,
        state=message.states,
        group=message.groups,
        certainty=message.certainties,
        flag=message.flags,
        site=message.sites,
        reason=message.reasons,
    )


def _check_text(name: str, values: Collection[str]) -> None:
    """Refuse what no stored text has and PostgreSQL takes as no text, such as NUL."""
    if any(clean(value) != value for value in values):
        raise BadRequestError(f"{name} has a control character")


def _check(name: Field, values: Collection[str]) -> None:
    if len(values) > MOST_VALUES:
        raise BadRequestError(f"{name} has {len(values)} values; at most {MOST_VALUES} are allowed")
    _check_text(name, values)
    unknown = sorted(set(values) - set(ALLOWED.get(name, values)))
    if unknown:
        raise BadRequestError(f"{name} {unknown[0]!r} is unknown; allowed are {', '.join(ALLOWED[name])}")


class Order(StrEnum):
    """Orders of a list; cases without a risk come last in both orders of risks."""

    NEWEST = "-updated"
    OLDEST = "updated"
    CASE = "case"
    CASE_DESCENDING = "-case"
    HIGHEST_RISK = "-risk"
    LOWEST_RISK = "risk"


def order(text: str) -> Order:
    """The order that a request names; empty means the newest change first.

    Raises:
        BadRequestError: there is no such order.
    """
    try:
        return Order(text or Order.NEWEST)
    except ValueError:
        raise BadRequestError(f"sort {text!r} is unknown; allowed are {', '.join(Order)}") from None


@dataclass(frozen=True, slots=True)
class PageMark:
    """The last case of a page: what its order compares, and the case id."""

    order: Order
    value: datetime | float | None
    """Time of the change, or risk; None without a risk, and in orders by case id."""
    case_id: CaseId

    def token(self) -> str:
        """The mark as the page token of an answer."""
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        return base64.urlsafe_b64encode(json.dumps([self.order, value, self.case_id]).encode()).decode()

    @classmethod
    def read(cls, token: str, wanted: Order) -> Self | None:
        """The mark of a page token; None if it is empty.

        Raises:
            BadRequestError: the token was not issued here, or for another order.
        """
        if not token:
            return None
        if len(token) > LONGEST_TOKEN:
            raise BadRequestError(f"page_token has {len(token)} characters; at most {LONGEST_TOKEN} are allowed")
        try:
            name, value, case_id = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
            mark = cls(Order(name), _mark_value(Order(name), value), keys.named_case(case_id, "the page token"))
        except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError, keys.BadCaseNameError) as error:
            raise BadRequestError("page_token is none that this service gave out") from error
        if mark.order != wanted:
            raise BadRequestError(f"page_token is of the order {mark.order}, requested is {wanted}")
        return mark


def _mark_value(name: Order, value: object) -> datetime | float | None:
    if name in {Order.NEWEST, Order.OLDEST}:
        time = datetime.fromisoformat(str(value))
        if time.tzinfo is None:
            raise ValueError("a time without a zone")
        return time.astimezone(UTC)
    return None if value is None else float(str(value))


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cases a selection has, and how many have each value of each field."""

    cases: int
    values: Mapping[Field, Mapping[str, int]]
    more: bool = False
    """Whether all numbers are lower bounds, as a search fits more cases than are counted."""

    def __iter__(self) -> Iterator[tuple[Field, str, int]]:
        """Field, value and cases, the most frequent value of a field first."""
        for name, values in self.values.items():
            for value, cases in sorted(values.items(), key=lambda pair: (-pair[1], pair[0])):
                yield name, value, cases
