"""Which of several models serves a case."""

import numpy as np

from shared.model.case_values import CaseValues
from shared.model.pattern import largest_first, model_patterns, occurring, serving
from shared.model.profile import Profile
from tests.support.fusion import PROFILE

NAN = np.nan
CASES = CaseValues(
    Profile.model_validate(PROFILE),
    {
        "age": np.array([8.0, 8.0, NAN, NAN]),
        "group": np.array([0.0, NAN, 1.0, NAN]),
        "pathomics": np.array([0.1, 0.1, NAN, NAN]),
    },
    4,
)


BLOCKS = ("clinical", "molecular", "pathomic")


def names(patterns: list[frozenset[str]]) -> list[str]:
    return ["".join(sorted(pattern)) for pattern in patterns]


def test_patterns_come_with_the_largest_first_and_equally_large_ones_by_their_blocks() -> None:
    shuffled = [frozenset("c"), frozenset("ac"), frozenset("a"), frozenset("abc"), frozenset("ab")]
    assert names(largest_first("abc", shuffled)) == ["abc", "ab", "ac", "a", "c"]


def test_patterns_that_occur_leave_out_the_case_of_which_nothing_is_known() -> None:
    assert set(occurring(BLOCKS, CASES)) == {
        frozenset(BLOCKS),
        frozenset({"clinical", "pathomic"}),
        frozenset({"molecular"}),
    }
    assert occurring(BLOCKS, CaseValues(CASES.profile, {}, 3)) == []


def test_models_are_for_patterns_that_occur_their_neighbours_and_single_blocks() -> None:
    assert names(model_patterns("abcd", [frozenset("abcd")])) == [
        *("abcd", "abc", "abd", "acd", "bcd"),
        *("a", "b", "c", "d"),
    ]
    assert names(model_patterns("abc", [frozenset("ab"), frozenset("c")])) == ["ab", "a", "b", "c"]
    assert model_patterns("abc", []) == []


def test_the_whole_record_has_a_model_however_many_blocks_are_beside_it() -> None:
    assert "ab" in names(model_patterns("abcde", [frozenset("abcde")], record="ab"))
    assert "ab" not in names(model_patterns("abcde", [frozenset("abcde")]))


def test_twelve_blocks_need_as_many_models_as_occur_and_not_all_subsets() -> None:
    blocks = "abcdefghijkl"
    occurring_twice = [frozenset(blocks), frozenset(blocks) - {"c"}]
    assert len(model_patterns(blocks, occurring_twice)) == 1 + 12 + 11 + 12


def test_a_case_is_served_by_the_first_pattern_of_which_it_has_every_block() -> None:
    offered = model_patterns(BLOCKS, [frozenset(BLOCKS)])
    served = [sorted(offered[place]) if place >= 0 else None for place in serving(offered, CASES)]
    assert served == [["clinical", "molecular", "pathomic"], ["clinical", "pathomic"], ["molecular"], None]


def test_without_models_nothing_is_served() -> None:
    assert serving([], CASES).tolist() == [-1] * 4
