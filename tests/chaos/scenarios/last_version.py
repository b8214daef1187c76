"""A record that is overwritten while the first one is being scored: the last version has to win."""

from tests.chaos.history import Landed, await_each, settle
from tests.chaos.landing import RECORD_ONLY
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.installation import Installation

_FIRST, _LAST = 3.0, 9.5
_AGE = "age_at_diagnosis_years"
_PATIENCE_S = 900.0


def run(system: Installation, seed: int, size: Size, prefix: str = "CHAOS") -> list[Row]:
    """Every case ends with a score of the record that landed last; their names begin with `prefix`."""
    landed = [Landed(f"{prefix}-twice-{number:03d}", RECORD_ONLY) for number in range(size.overwritten)]
    for item in landed:
        system.land_record(item.case_id, **{_AGE: _FIRST})
        system.land_record(item.case_id, **{_AGE: _LAST})
    settle(landed, system.case, _PATIENCE_S)
    await_each(landed, lambda item: _is_last(system, item), 120)
    won = sum(_is_last(system, item) for item in landed)
    return [Row.of_counts("The last version of a record wins", won, len(landed), "", seed=seed, size=size.name)]


def _is_last(system: Installation, landed: Landed) -> bool:
    contributions = system.case(landed.case_id).get("score", {}).get("contributions", [])
    ages = [item["value"] for item in contributions if item["variable"] == _AGE]
    return ages == [str(_LAST)]
