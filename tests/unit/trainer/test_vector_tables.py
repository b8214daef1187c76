"""Tables of vectors: which cells, cases and blocks are read, and which are refused in words that say what to do."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook

from services.trainer.cohort.add_vectors import add_vectors, vector_tables
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.leaks import check_between, check_vectors, trained_on
from services.trainer.cohort.table import read_cohort
from services.trainer.cohort.vector_notes import vector_notes
from services.trainer.errors import BadVectorTableError, LeakError, SeenCasesError
from services.trainer.profile import load_profile
from shared.model.block import DEFAULT_BLOCKS, Block
from shared.model.case_vector import parse_vector
from shared.units import CaseId

PROFILE = load_profile().model_copy(
    update={"blocks": (*DEFAULT_BLOCKS, Block(name="blood", source="vectors", title="blood counts"))}
)
CASES = tuple(f"p{i}" for i in range(12))


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    rows = [f"{case},{i % 7 + 1},{100 + i},{i % 2}" for i, case in enumerate(CASES)]
    path = tmp_path / "cohort.csv"
    path.write_text("\n".join(["case_id,age_at_diagnosis_years,time_days,event_code", *rows]))
    return read_cohort(path, PROFILE)


def given(cohort: Cohort, path: Path, *lines: str) -> Cohort:
    path.write_text("\n".join(lines) + "\n")
    return add_vectors(cohort, {"blood": path})


def sheet(*rows: list[str | float | None]) -> bytes:
    book, data = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(data)
    return data.getvalue()


def test_rows_stand_in_the_order_of_the_cohort_and_empty_cells_are_missing(cohort: Cohort, tmp_path: Path) -> None:
    read = given(cohort, tmp_path / "b.csv", "hb,case_id,crp", "12.5,p1,NA", ",p0,3", ",p2,", "1,stranger,1")
    vectors = read.vectors["blood"]
    assert vectors.columns == ("hb", "crp")
    expected = np.array([[np.nan, 3.0], [12.5, np.nan], [np.nan, np.nan]])
    assert np.array_equal(vectors.values[:3], expected, equal_nan=True)
    assert read.has_block("blood").tolist() == [True, True] + [False] * 10
    assert vector_notes(read) == [
        "10 patients have no blood counts; they are served by the models without blood",
        "1 case with blood counts is not in the cohort table and was left out",
    ]


def test_vectors_follow_the_patients_that_are_taken(cohort: Cohort, tmp_path: Path) -> None:
    read = given(cohort, tmp_path / "b.csv", "case_id,hb", *(f"{case},{i}" for i, case in enumerate(CASES)))
    assert read.take(np.array([3, 1])).vectors["blood"].values[:, 0].tolist() == [3.0, 1.0]
    assert read.take(read.outcome.is_event).vectors["blood"].values[:, 0].tolist() == [1, 3, 5, 7, 9, 11]


def test_a_workbook_is_read_as_a_text_is(cohort: Cohort, tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    path.write_bytes(sheet(["case_id", "hb", "crp"], ["p1", 12.5, None], ["p0", 11, 3]))
    vectors = add_vectors(cohort, {"blood": path}).vectors["blood"]
    assert np.array_equal(vectors.values[:2], np.array([[11.0, 3.0], [12.5, np.nan]]), equal_nan=True)


def test_a_workbook_may_have_as_many_columns_as_a_vector(cohort: Cohort, tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    path.write_bytes(sheet(["case_id", *(f"c{i}" for i in range(5_000))], ["p1", *range(5_000)]))
    assert add_vectors(cohort, {"blood": path}).vectors["blood"].values.shape == (12, 5_000)


def test_a_column_is_named_as_in_a_vector_of_one_case(cohort: Cohort, tmp_path: Path) -> None:
    header = "case_id, hb ,Ha\u0308moglobin"
    vectors = given(cohort, tmp_path / "b.csv", header, "p0,12,8").vectors["blood"]
    one_case = parse_vector(b'{"values": {" hb": 12, "Ha\\u0308moglobin": 8}}', CaseId("p0"), "blood", vectors.columns)
    assert tuple(one_case.values) == vectors.columns == ("hb", "H\u00e4moglobin")
    with pytest.raises(BadVectorTableError, match="stands there more than once"):
        given(cohort, tmp_path / "b.csv", f"{header},H\u00e4moglobin", "p0,12,8,9")


def test_decimal_commas_are_read_where_semicolons_separate_cells(cohort: Cohort, tmp_path: Path) -> None:
    read = given(cohort, tmp_path / "b.csv", "case_id;hb", "p0;12,5", "p1;11")
    assert read.vectors["blood"].values[:2, 0].tolist() == [12.5, 11.0]
    with pytest.raises(BadVectorTableError, match="a point of thousands, or of de"):
        given(cohort, tmp_path / "b.csv", "case_id;hb", "p0;12,5", "p1;1.234")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["hb", "1"], "row 1: column case_id is missing"),
        (["case_id", "p0"], "row 1: there are 0 columns of values; allowed are 1 to 5000"),
        (["case_id," + ",".join(f"c{i}" for i in range(5_001)), "p0"], "there are 5001 columns of values"),
        (["case_id,hb,hb", "p0,1,2"], 'row 1, column "hb": stands there more than once'),
        (["case_id,,hb", "p0,1,2"], "has no name"),
        (["case_id,\x1b[31mhb", "p0,1"], "has a line break, tab or other character that cannot be shown"),
        (["case_id,hb", "p0,1", "p0,2"], 'row 3, column case_id: "p0", as in row 2; allowed is one row a case'),
        (["case_id,hb", "p0,1", ",2"], "row 3, column case_id: is empty"),
        (["case_id,hb", "p0,high"], 'row 2, column "hb": "high"; allowed is a number, or empty'),
        (["case_id,hb", "p0,1e40"], '"1e40"; allowed is a number'),
        (["case_id,hb", "p0,nan1"], '"nan1"; allowed is a number'),
        (["case_id,hb", "p0,1,2"], "row 2: 3 cells under 2 columns"),
        (["case_id,hb"], "there are no rows below the header"),
        (["case_id,hb", "x,1"], "no case of the cohort has a vector of blood"),
        (["case_id,hb", "p0,"], "no case of the cohort has a vector of blood"),
    ],
)
def test_a_table_that_breaks_its_form_is_refused(
    cohort: Cohort, tmp_path: Path, lines: list[str], sentence: str
) -> None:
    with pytest.raises(BadVectorTableError) as refusal:
        given(cohort, tmp_path / "b.csv", *lines)
    assert sentence in str(refusal.value)
    assert refusal.value.reason == "bad_vectors"


@pytest.mark.parametrize("column", ["time_days", "event_code"])
def test_an_outcome_is_no_column_of_a_vector(cohort: Cohort, tmp_path: Path, column: str) -> None:
    header = f"case_id,hb,{column}"
    with pytest.raises(BadVectorTableError, match=f"has {column}, known only after the time of prediction"):
        given(cohort, tmp_path / "v.csv", header, f"{cohort.case_ids[0]},1,2")


def test_every_refused_cell_is_listed(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(BadVectorTableError, match="is refused for 2 problems") as refusal:
        given(cohort, tmp_path / "b.csv", "case_id,hb,crp", "p0,low,1", "p1,2,?x")
    assert 'row 2, column "hb"' in str(refusal.value)
    assert 'row 3, column "crp"' in str(refusal.value)


def test_an_unknown_block_and_an_option_of_another_form_are_named(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(BadVectorTableError, match='no block of vectors "blud"; it has blood'):
        add_vectors(cohort, {"blud": tmp_path / "b.csv"})
    with pytest.raises(BadVectorTableError, match='no block of vectors "pathomic"'):
        add_vectors(cohort, {"pathomic": tmp_path / "b.csv"})
    for option in ("blood", "=b.csv", "blood="):
        with pytest.raises(BadVectorTableError, match="is not of the form BLOCK=TABLE"):
            vector_tables([option])
    with pytest.raises(BadVectorTableError, match="names the block blood twice"):
        vector_tables(["blood=a.csv", "blood=b.csv"])
    assert vector_tables(["blood=a=b.csv"]) == {"blood": Path("a=b.csv")}


def test_a_table_that_is_not_there_is_said_to_be_missing(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(BadVectorTableError, match="cannot be read: No such file") as refused:
        add_vectors(cohort, {"blood": tmp_path / "none.csv"})
    assert refused.value.reason == "bad_vectors"


def measured(*, copied: bool = False) -> list[str]:
    values = np.random.default_rng(1).normal(size=(12, 5)).round(4)
    values[7] = values[2] if copied else values[7]
    rows = [",".join([case, *map(str, row)]) for case, row in zip(CASES, values, strict=True)]
    return ["case_id,a,b,c,d,e", *rows]


def test_one_vector_under_two_cases_is_a_leak(cohort: Cohort, tmp_path: Path) -> None:
    check_vectors(given(cohort, tmp_path / "b.csv", *measured()))
    with pytest.raises(LeakError, match="a pair of cases is not independent: p2 and p7 share a vector of blood counts"):
        check_vectors(given(cohort, tmp_path / "b.csv", *measured(copied=True)))


def test_equal_vectors_of_yes_and_no_are_no_leak(cohort: Cohort, tmp_path: Path) -> None:
    lines = [f"{case},{','.join('01'[j == i % 3] for j in range(40))}" for i, case in enumerate(CASES)]
    check_vectors(given(cohort, tmp_path / "b.csv", "case_id," + ",".join(f"c{j}" for j in range(40)), *lines))


def test_a_vector_of_the_training_cohort_is_recognised_under_another_name(cohort: Cohort, tmp_path: Path) -> None:
    trained = trained_on(given(cohort, tmp_path / "b.csv", *measured()), None)
    rows = [line.replace("p", "q").split(",") for line in measured()[:4]]
    (tmp_path / "other.csv").write_text("\n".join(",".join([case, *reversed(cells)]) for case, *cells in rows))
    renamed = replace(cohort, case_ids=tuple(f"q{i}" for i in range(12)), values=cohort.values + 1)
    with pytest.raises(SeenCasesError, match=r"3 cases were in the training cohort of the bundle: q0 \(vector\)"):
        check_between(trained, add_vectors(renamed, {"blood": tmp_path / "other.csv"}), None)
    assert "vector" not in trained_on(cohort, None)


def test_a_row_that_says_simulated_marks_the_cohort(cohort: Cohort, tmp_path: Path) -> None:
    assert not given(cohort, tmp_path / "b.csv", "case_id,hb", "p0,1").simulated
    read = given(cohort, tmp_path / "b.csv", "case_id,hb,simulated", "p0,1,true")
    assert read.simulated
    assert read.vectors["blood"].columns == ("hb",)
