"""The study of prototypes counts in how many seeds one names the pattern."""

from tests.studies.prototype_study import PROGRAM, prototypes_summary


def test_a_set_of_prototypes_names_the_pattern_in_as_many_seeds_as_its_foremost_shows_it_five_times() -> None:
    plan = {"patients": 400, "effect": 1.6}
    values = [{PROGRAM: {"prototype_ratio": ratio, "purest": 0.5}} for ratio in (4.9, 5.0, 20.0)]
    (scenario,) = prototypes_summary([{"plan": plan, "value": value} for value in values])["scenarios"]
    assert scenario["sets"][PROGRAM]["names"] == 2
