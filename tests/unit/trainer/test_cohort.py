"""Cohort tables: what is read, and what is refused."""

import math
from pathlib import Path

import pytest

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.table import read_cohort
from services.trainer.cohort.validation import validate_cohort
from services.trainer.errors import BadCohortError, MissingTableError, UnreadableTableError, UnusableCohortError
from services.trainer.profile import load_profile
from shared.model.profile import Profile
from shared.text import LONGEST

PROFILE = load_profile()
HEADER = "case_id,site_id,age_at_diagnosis_years,sex,chang_m_stage,time_days,event_code"


def table(tmp_path: Path, *rows: str, header: str = HEADER) -> Path:
    path = tmp_path / "cohort.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def read(tmp_path: Path, *rows: str, header: str = HEADER, profile: Profile = PROFILE) -> Cohort:
    return read_cohort(table(tmp_path, *rows, header=header), profile)


def test_values_become_numbers_and_places_of_levels(tmp_path: Path) -> None:
    cohort = read(tmp_path, "a,S1,2.5,male,M3,365.25,1", "b,S2,,female,,730.5,3")
    assert cohort.column("age_at_diagnosis_years")[0] == 2.5
    assert cohort.column("chang_m_stage")[0] == 3
    assert math.isnan(cohort.column("age_at_diagnosis_years")[1])
    assert cohort.outcome.time.tolist() == [1.0, 2.0]
    assert cohort.outcome.event.tolist() == [1, 3]
    assert cohort.has_block("molecular").tolist() == [False, False]
    assert cohort.has_sites


def test_all_wrong_values_are_refused_in_one_list(tmp_path: Path) -> None:
    with pytest.raises(BadCohortError) as refused:
        read(tmp_path, "a,S1,200,male,M3,0,1", "b c,S1,old,both,M5,-3,9", "d,S1,1-2,male,M0,,1", "d,S1,3,male,M0,5,1")
    sentence = str(refused.value)
    assert "11 problems" in sentence
    for part in (
        "row 2, column age_at_diagnosis_years: '200'; allowed is a number from 0 to 120 years, or empty",
        "row 2, column time_days: '0'; allowed is a number of days above 0",
        "row 3, column case_id: 'b c'; allowed is 1 to 64 of",
        "row 3, column sex: 'both'; allowed is one of female, male",
        "row 3, column chang_m_stage: 'M5'; allowed is one of M0, M1, M2, M3, M4",
        "row 3, column time_days: '-3'",
        "row 3, column event_code: '9'; allowed is one of 0, 1, 2, 3",
        "row 4, column age_at_diagnosis_years: '1-2'",
        "row 4, column time_days: ''",
        "row 5, column case_id: 'd', as in row 4; allowed is one row a patient",
    ):
        assert part in sentence


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (HEADER + ",colour", "column 'colour': unknown; allowed are case_id, site_id"),
        (HEADER + ",csi_dose_gy", "column csi_dose_gy: a treatment is not known at the time of prediction"),
        (HEADER + ",sex", "column 'sex': stands there more than once"),
    ],
)
def test_columns_that_may_not_be_there_are_refused(tmp_path: Path, header: str, sentence: str) -> None:
    with pytest.raises(BadCohortError) as refused:
        read(tmp_path, "a,S1,2,male,M0,5,1,x", header=header)
    assert sentence in str(refused.value)


def test_header_values_and_lengths_of_rows_are_refused_together(tmp_path: Path) -> None:
    rows = ["a,S1,2,both,M0,5,1,x", "b,S1", "a,S1,2,male,M9,5,1,x"]
    with pytest.raises(BadCohortError) as refused:
        read(tmp_path, *rows, header=HEADER + ",csi_dose_gy")
    first, *problems = str(refused.value).split("\n  ")
    assert first == "cohort.csv is refused for 5 problems:"
    assert [problem.split(":")[0] for problem in problems] == [
        "row 1, column csi_dose_gy",
        "row 3",
        "row 2, column sex",
        "row 4, column chang_m_stage",
        "row 4, column case_id",
    ]
    assert "`treatment: true, known_at_prediction: true`" in problems[0]


def test_values_are_refused_also_where_nobody_has_a_name(tmp_path: Path) -> None:
    with pytest.raises(BadCohortError, match=r"(?s)column case_id is missing.*row 2, column event_code: '7'"):
        read(tmp_path, "5,7", header="time_days,event_code")


def test_an_outcome_column_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCohortError, match="column event_code is missing"):
        read(tmp_path, "a,5", header="case_id,time_days")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "cohort.csv is empty"),
        (b"\n,,\n", "cohort.csv is empty"),
        (b"case_id\n", "no patients"),
        (b"case_id,sex\na,\x81\n", "neither in UTF-8 nor in Windows-1252: line 2 holds other bytes"),
        (b'case_id,"x\n', "no table of separated text"),
        (b"PK\x03\x04rest", "is an archive that cannot be read"),
        (b"\xd0\xcf\x11\xe0rest", "is a spreadsheet of an old kind"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "cohort.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableTableError) as refused:
        read_cohort(path, PROFILE)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(MissingTableError, match="cannot be read: Is a directory") as refused:
        read_cohort(tmp_path, PROFILE)
    assert refused.value.advice.startswith("Name a file that is there")


def test_a_byte_order_mark_and_windows_line_ends_are_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "cohort.csv"
    path.write_bytes(b"\xef\xbb\xbfcase_id,time_days,event_code\r\na,365.25,1\r\n")
    assert read_cohort(path, PROFILE).outcome.time.tolist() == [1.0]


def test_rows_of_empty_cells_are_left_out_and_the_others_keep_their_lines(tmp_path: Path) -> None:
    with pytest.raises(BadCohortError, match=r"1 problem:\n  row 6, column time_days: '0'") as refused:
        read(tmp_path, "a,S1,2,male,M0,5,1", "", ",,,,,,", " , ,,,,,", "b,S1,2,male,M0,0,1")
    assert "row 4" not in str(refused.value)


def test_follow_up_longer_than_a_life_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCohortError, match="'43831'; allowed is a number of days above 0, at most 43830"):
        read(tmp_path, "a,S1,2,male,M0,43831,1", "b,S1,2,male,M0,43830,1")


def test_a_long_list_of_problems_ends_with_how_many_more_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadCohortError, match=r"(?s)row 2: .*and 2\d\d more$") as refused:
        read(tmp_path, *(f"p{i},S1" for i in range(250)))
    assert len(str(refused.value)) <= LONGEST


def test_a_row_of_another_length_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCohortError, match="row 3: 2 cells under 7 columns"):
        read(tmp_path, "a,S1,2,male,M0,5,1", "b,S1")


YES_NO = PROFILE.model_copy(
    update={
        "outcome": PROFILE.outcome.model_validate(
            {"time": "", "event": "relapse", "codes": {"no": "none", "yes": "relapse"}, "event_of_interest": "yes"}
        )
    }
)


def test_a_bare_yes_or_no_is_an_event_by_the_horizon_or_known_freedom_past_it(tmp_path: Path) -> None:
    cohort = read(tmp_path, "a,yes", "b,no", header="case_id,relapse", profile=YES_NO)
    assert cohort.outcome.event.tolist() == [1, 0]
    assert cohort.outcome.time[0] < PROFILE.horizons_years[0]
    assert cohort.outcome.time[1] > PROFILE.horizons_years[-1]


def test_a_cohort_that_is_all_one_class_is_unusable(tmp_path: Path) -> None:
    rows = [f"p{i},yes" for i in range(20)]
    with pytest.raises(UnusableCohortError, match="every patient"):
        validate_cohort(read(tmp_path, *rows, header="case_id,relapse", profile=YES_NO))


@pytest.mark.parametrize(("events", "sentence"), [(0, "no event of interest"), (1, "1 event of interest")])
def test_no_event_and_one_event_are_unusable(tmp_path: Path, events: int, sentence: str) -> None:
    rows = [f"p{i},S1,5,male,M0,2000,{int(i < events)}" for i in range(30)]
    with pytest.raises(UnusableCohortError, match=sentence):
        validate_cohort(read(tmp_path, *rows))


def test_a_horizon_past_follow_up_is_left_out_and_said(tmp_path: Path) -> None:
    rows = [f"p{i},S1,{i},male,M0,{1200 + i},{i % 2}" for i in range(30)]
    cohort, notes = validate_cohort(read(tmp_path, *rows))
    assert cohort.profile.horizons_years == (3.0,)
    assert "the horizon of 5 years lies past the follow-up and was left out" in notes


def test_no_horizon_within_follow_up_is_unusable(tmp_path: Path) -> None:
    rows = [f"p{i},S1,{i},male,M0,{100 + i},{i % 2}" for i in range(30)]
    with pytest.raises(UnusableCohortError, match=r"follow-up ends at 0\.35 years"):
        validate_cohort(read(tmp_path, *rows))


def test_constant_and_unknown_columns_are_left_out_and_said(tmp_path: Path) -> None:
    rows = [f"p{i},S1,{i},male,,{2000 + i},{i % 2}" for i in range(30)]
    _, notes = validate_cohort(read(tmp_path, *rows))
    assert "sex is the same for all of whom it is known, so it was left out" in notes
    assert "chang_m_stage is known of no patient and was left out" in notes


def test_a_file_too_large_for_a_table_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "cohort.csv").open("wb") as file:
        file.truncate(200_000_001)
    with pytest.raises(UnreadableTableError, match="more than 200000000 bytes"):
        read_cohort(tmp_path / "cohort.csv", PROFILE)
