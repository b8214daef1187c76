"""Tables as spreadsheets and registries write them."""

import contextlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.column_map import ColumnMap
from services.trainer.cohort.rows import read_rows
from services.trainer.cohort.table import read_cohort
from services.trainer.errors import BadCohortError, UnknownColumnsError, UnreadableTableError
from services.trainer.profile import load_profile
from shared.errors import explain
from shared.text import LONGEST

PROFILE = load_profile()
HEADER = ["case_id", "age_at_diagnosis_years", "sex", "molecular_group", "time_days", "event_code"]
ROWS: list[list[Any]] = [["A", 6.4, "F", "Group 3", 800, 0], ["B", 5, "male", "SHH", 365.25, 1]]


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def text(separator: str, *rows: list[Any], decimal: str = ".") -> str:
    cells = [
        [str(cell).replace(".", decimal) if isinstance(cell, float) else str(cell) for cell in row] for row in rows
    ]
    return "".join(separator.join(row) + "\r\n" for row in cells)


def read(tmp_path: Path, data: bytes, columns: ColumnMap | None = None) -> Cohort:
    path = tmp_path / "cohort.csv"
    path.write_bytes(data)
    return read_cohort(path, PROFILE, columns)


SPREADSHEETS = {
    "xlsx": workbook(HEADER, *ROWS),
    "semicolons and decimal commas": text(";", HEADER, *ROWS, decimal=",").encode("utf-8-sig"),
    "tabs": text("\t", HEADER, *ROWS).encode(),
    "unicode text": text("\t", HEADER, *ROWS).encode("utf-16"),
    "bars": text("|", HEADER, *ROWS).encode("cp1252"),
}


@pytest.mark.parametrize("data", SPREADSHEETS.values(), ids=SPREADSHEETS.keys())
def test_a_table_is_the_same_however_a_spreadsheet_saves_it(tmp_path: Path, data: bytes) -> None:
    cohort = read(tmp_path, data)
    assert cohort.case_ids == ("A", "B")
    assert cohort.column("age_at_diagnosis_years").tolist() == [6.4, 5.0]
    assert cohort.column("sex").tolist() == [0, 1]
    assert cohort.column("molecular_group").tolist() == [2, 1]
    assert cohort.outcome.time[1] == 1.0


@pytest.mark.parametrize("empty", ["", None])
def test_empty_columns_at_the_end_are_no_columns(tmp_path: Path, empty: str | None) -> None:
    rows = [[*row, empty, empty] for row in (HEADER, *ROWS)]
    data = workbook(*rows) if empty is None else text(";", *rows).encode()
    assert read(tmp_path, data).case_ids == ("A", "B")


def test_what_was_read_as_what_is_counted(tmp_path: Path) -> None:
    header = ["case_id", "age_at_diagnosis_months", "sex", "residual_area_cm2", "time_days", "event_code"]
    rows = [["A", 30, "F", "<1.5", 5, 1], ["B", 60, "F", "NA", 5, 0], ["C", "7 y", "male", 1, 5, 0]]
    assert read(tmp_path, text(",", header, *rows).encode()).readings == (
        'sex: "F" read as female (2)',
        'residual_area_cm2: "<1.5", which is unclear, counts as missing (1)',
        'age_at_diagnosis_years: another unit or word (3), such as "30 (age_at_diagnosis_months)" read as 2.5 years',
        'residual_area_cm2: another unit or word (1), such as "NA" read as missing',
    )


def test_combinations_to_look_at_twice_are_counted(tmp_path: Path) -> None:
    rows = [["A", "WNT", "amplified", 5, 1], ["B", "WNT", "no", 5, 0]]
    header = ["case_id", "molecular_group", "myc_amp", "time_days", "event_code"]
    (reading,) = [line for line in read(tmp_path, text(",", header, *rows).encode()).readings if "patient" in line]
    assert reading.startswith("1 patient: WNT tumours are hardly ever MYC-amplified")


def test_how_a_table_was_read_is_said_where_it_was_not_plain(tmp_path: Path) -> None:
    data = text(";", ["case_id", "time_days", "event_code", "site_id"], ["A", 5, 1, ""]).encode() + b"B;6;0;\xa0\r\n"
    assert read(tmp_path, data).readings == (
        "cells are separated by semicolons",
        "text is read as Windows-1252, since line 3 is not UTF-8",
    )


def test_ids_and_words_keep_their_commas_and_points(tmp_path: Path) -> None:
    data = b"case_id;age_at_diagnosis_years;time_days;event_code\r\n1.234;5,5;400;1\r\n"
    assert read(tmp_path, data).case_ids == ("1.234",)


def test_a_point_of_thousands_beside_decimal_commas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCohortError, match=r"column time_days: '1\.234 \(a point of thousands"):
        read(tmp_path, b"case_id;age_at_diagnosis_years;time_days;event_code\r\nA;5,5;1.234;1\r\n")


@pytest.mark.parametrize("written", ["1e-400", "1e-310", "0." + "0" * 4000 + "1", "1e-999999999999"])
@pytest.mark.parametrize("units", [{}, {"age_at_diagnosis_years": 12.0}])
def test_a_number_that_a_float_cannot_hold_is_refused(written: str, units: dict[str, float], tmp_path: Path) -> None:
    rows = ["A", written, 400, 1], ["B", 5, 400, 1]
    table = text(",", ["case_id", "age_at_diagnosis_years", "time_days", "event_code"], *rows).encode()
    with pytest.raises(BadCohortError, match="column age_at_diagnosis"):
        read(tmp_path, table, ColumnMap(units=units))


THEIRS = ["Patient ID", "AGE", "Gender", "Subgroup", "OS days", "STATUS", "CANCER_TYPE"]
THEIR_ROWS = [
    ["A", 77, "Female", "Group4", 800, "0:LIVING", "MBL"],
    ["B", 30, "Male", "WNT", 365.25, "1:DECEASED", "MBL"],
]


def test_a_map_explains_other_names_words_and_units(tmp_path: Path) -> None:
    columns = ColumnMap(
        columns={"Patient ID": "case_id", "AGE": "age_at_diagnosis_months", "Gender": "sex"}
        | {"Subgroup": "molecular_group", "OS days": "time_days", "STATUS": "event_code"},
        words={"event_code": {"0:LIVING": "0", "1:DECEASED": "3"}},
        ignore=("CANCER_TYPE",),
    )
    cohort = read(tmp_path, text(",", THEIRS, *THEIR_ROWS).encode(), columns)
    assert cohort.column("age_at_diagnosis_years")[1] == 2.5
    assert cohort.column("molecular_group").tolist() == [3, 0]
    assert cohort.outcome.event.tolist() == [0, 3]


def test_unknown_columns_are_refused_with_a_map_to_paste(tmp_path: Path) -> None:
    with pytest.raises(UnknownColumnsError) as refused:
        read(tmp_path, text(",", THEIRS, *THEIR_ROWS).encode())
    _, proposed = explain(refused.value).split(f"{UnknownColumnsError.advice}\n\n")
    assert ColumnMap.model_validate(yaml.safe_load(proposed)) == ColumnMap(
        columns={"Patient ID": "case_id", "AGE": "age_at_diagnosis_years", "Gender": "sex"}
        | {"Subgroup": "molecular_group", "OS days": "time_days", "STATUS": "event_code"},
        ignore=("CANCER_TYPE",),
    )


def test_the_map_and_the_sentence_are_bounded_for_thousands_of_columns(tmp_path: Path) -> None:
    header = [*HEADER, "y" * 50_000, *(f"my column {number}" for number in range(1_500))]
    with pytest.raises(UnknownColumnsError) as refused:
        read(tmp_path, text(",", header, header).encode())
    assert len(str(refused.value)) <= LONGEST
    assert refused.value.supplement.endswith("# 1201 more columns are not listed here\n")
    assert len(refused.value.supplement) < 20_000


def far_row() -> bytes:
    """A workbook with a cell in row two thousand million."""
    source, target = zipfile.ZipFile(io.BytesIO(workbook(HEADER, ["A"]))), io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        for name in source.namelist():
            content = source.read(name).replace(b'<row r="2"', b'<row r="2000000000"')
            packed.writestr(name, re.sub(rb"<dimension[^>]*>", b"", content))
    return target.getvalue()


def archive(**members: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "/") + ".xml", content)
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (archive(word__document=b"x"), "is an archive, but no .xlsx workbook"),
        (archive(xl__workbook=b"x"), "is no workbook that can be read"),
        (archive(xl__workbook=bytes(201_000_000)), "unpacks to 201000000 bytes; 200000000 are allowed"),
        (workbook(HEADER)[:900], "is an archive that cannot be read"),
        (workbook([""]), "is empty"),
        (far_row(), "larger than"),
        (workbook(["x"] * 5_101), "larger than 5100 columns or 100000 rows"),
    ],
    ids=range(7),
)
def test_workbooks_that_are_none_or_too_large_are_refused_in_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableTableError, match=sentence):
        read_rows(data, "cohort.xlsx")


@given(st.binary(max_size=200) | st.binary(max_size=60).map(SPREADSHEETS["xlsx"][:4000].__add__))
def test_any_bytes_are_a_table_or_refused(data: bytes) -> None:
    with contextlib.suppress(UnreadableTableError):
        assert read_rows(data, "cohort.csv").rows


def test_the_lines_by_which_cbioportal_describes_columns_are_passed_over_in_a_sheet_too() -> None:
    described: list[list[Any]] = [["#Patient", "Age"], ["#Patient", "Age, years"], ["#STRING", "NUMBER"], ["#1", 1]]
    rows = read_rows(workbook(*described, ["PATIENT_ID", "AGE"], ["A", 4]), "cohort.xlsx")
    assert [row.cells for row in rows.rows] == [("PATIENT_ID", "AGE"), ("A", "4")]
    assert (rows.rows[0].line, rows.notes) == (
        5,
        ("the first 4 lines describe the columns, as cBioPortal writes them",),
    )
    assert read_rows(workbook(*[["#1", 1]] * 5), "cohort.xlsx").rows[0].cells == ("#1", "1")
