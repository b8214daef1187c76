"""Summarises how values of a cohort table were read."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.trainer.cohort.cohort import Cohort
from shared.model.vocabulary import Entries
from shared.words import counted, shown

_LISTED = 8


def summary(cohort: Cohort, entries: Sequence[Entries], notes: Sequence[str]) -> Cohort:
    """The cohort with a line for each variable that was not written as the profile writes it, and each check met."""
    return replace(cohort, readings=(*notes, *_words(entries), *_numbers(cohort, entries), *_checks(cohort)))


def _words(entries: Sequence[Entries]) -> Iterator[str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        for reading in entry.readings:
            if reading.variable.levels:
                counts[reading.variable.name][f"{shown(reading.written)} read as {reading.value}"] += 1
        for unclear in entry.unclear:
            counts[unclear.column][f"{shown(unclear.written)}, which is unclear, counts as missing"] += 1
    for name, words in counts.items():
        yield f"{name}: {_listed(words)}"


def _numbers(cohort: Cohort, entries: Sequence[Entries]) -> Iterator[str]:
    for variable in cohort.profile.variables:
        readings = [
            reading
            for entry in entries
            for reading in entry.readings
            if reading.variable is variable and not variable.levels
        ]
        if readings:
            example = f"{shown(readings[0].written, 60)} read as {readings[0].value}"
            yield f"{variable.name}: another unit or word ({len(readings)}), such as {example}"


def _listed(words: Counter[str]) -> str:
    more = [f"and {len(words) - _LISTED} more words"] if len(words) > _LISTED else []
    return "; ".join([*(f"{reading} ({count})" for reading, count in words.most_common(_LISTED)), *more])


def _checks(cohort: Cohort) -> Iterator[str]:
    for check in cohort.profile.checks:
        count = int(cohort.holds(cohort.profile.expression(check.when)).sum())
        if count:
            yield f"{counted(count, 'patient')}: {check.sentence}"
