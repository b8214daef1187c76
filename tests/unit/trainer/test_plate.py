"""The plate of prototypes: in which order they stand, what is said of them, what is said of missing pictures."""

import pytest

from services.trainer.metrics.bootstrap import Figure
from services.trainer.report.plate import Picture, Plate, by_risk
from services.trainer.report_model.patients import PrototypeRow

SHOWN = Picture("data:image/jpeg;base64,AA", 128.0)


def row(number: int, est: float | None, share: float = 0.1) -> PrototypeRow:
    return PrototypeRow(
        prototype=number,
        mean_share=share,
        spread=0.1,
        share_with_event=share,
        share_without=share,
        most_in=(),
        hazard_ratio_per_sd=None if est is None else Figure(est, est - 0.1, est + 0.1),
        examples=(),
    )


def test_prototypes_go_from_most_risk_to_least_and_those_without_a_ratio_come_last() -> None:
    rows = [row(0, None, 0.1), row(1, 0.8), row(2, 1.6), row(3, None, 0.4)]
    assert [item.prototype for item in by_risk(rows)] == [2, 1, 3, 0]


@pytest.mark.parametrize(
    ("est", "sentence"),
    [(1.2, "higher risk"), (0.8, "lower risk"), (1.05, "no clear association"), (None, "not known")],
)
def test_a_direction_is_said_only_where_the_interval_shows_it(est: float | None, sentence: str) -> None:
    assert sentence in row(0, est).association


def test_what_is_missing_is_counted_with_the_first_reason() -> None:
    missing = Picture(why="slide A is gone")
    assert Plate({0: (SHOWN, SHOWN)}).lack == ""
    assert Plate({0: (SHOWN, missing), 1: (missing,)}).lack.startswith("1 of the 3 example tiles could be shown.")
    assert Plate({0: (missing,)}).lack == (
        "None of the 1 example tiles could be shown. The first that could not: slide A is gone."
    )


def test_the_width_is_that_of_the_pictures_that_are_there() -> None:
    assert Plate({0: (SHOWN, Picture(why="gone"))}).wide == "128 µm"
    assert Plate({0: (Picture(why="gone"),)}).wide == ""
