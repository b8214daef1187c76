"""What was read as what in a cohort table, in a few lines for people."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.trainer.cohort.cohort import Cohort
from shared.model.vocabulary import Entries
from shared.words import shown

_LISTED = 8


def summary(cohort: Cohort, entries: Sequence[Entries], notes: Sequence[str]) -> Cohort:
    """The cohort with a line for each variable that was not written as the profile writes it, and each check met."""
    return replace(cohort, readings=(*notes, *_words(entries), *_numbers(cohort, entries), *_checks(cohort)))


def _words(entries: Sequence[Entries]) -> Iterator[str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        for one in entry.readings:
            if one.variable.levels:
                counts[one.variable.name][f"{shown(one.written)} read as {one.value}"] += 1
        for unclear in entry.unclear:
            counts[unclear.column][f"{shown(unclear.written)}, which is unclear, counts as missing"] += 1
    for name, said in counts.items():
        yield f"{name}: {_listed(said)}"


def _numbers(cohort: Cohort, entries: Sequence[Entries]) -> Iterator[str]:
    for variable in cohort.profile.variables:
        found = [one for entry in entries for one in entry.readings if one.variable is variable and not variable.levels]
        if found:
            example = f"{shown(found[0].written, 60)} read as {found[0].value}"
            yield f"{variable.name}: another unit or word ({len(found)}), such as {example}"


def _listed(said: Counter[str]) -> str:
    more = [f"and {len(said) - _LISTED} more words"] if len(said) > _LISTED else []
    return "; ".join([*(f"{words} ({count})" for words, count in said.most_common(_LISTED)), *more])


def _checks(cohort: Cohort) -> Iterator[str]:
    for check in cohort.profile.checks:
        count = int(cohort.holds(cohort.profile.expression(check.when)).sum())
        if count:
            yield f"{count} {'patient' if count == 1 else 'patients'}: {check.sentence}"
