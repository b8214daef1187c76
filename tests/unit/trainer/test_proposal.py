"""Which of our columns a proposed map gives for names that share no word with them."""

from pathlib import Path

import pytest
import yaml

from services.trainer.cohort.column_map import load_map
from services.trainer.cohort.proposal import propose
from services.trainer.cohort.table import read_cohort
from services.trainer.errors import UnknownColumnsError
from services.trainer.profile import load_profile
from shared.model.vocabulary import Vocabulary


def test_usual_names_of_the_outcome_and_german_ones_are_proposed() -> None:
    profile = load_profile()
    words = Vocabulary(profile.variables, profile.missing)
    rows = [{"STATUS": str(code), "Geschlecht": sex, "Zimmer": "7b"} for code, sex in enumerate("mFmF")]
    ours = [*words.columns, profile.outcome.time, profile.outcome.event]
    proposed = yaml.safe_load(propose(["STATUS", "Geschlecht", "Zimmer"], rows, ours, words))
    assert proposed == {"columns": {"STATUS": "event_code", "Geschlecht": "sex"}, "ignore": ["Zimmer"]}


def test_months_of_follow_up_are_never_taken_for_an_age_and_units_are_kept() -> None:
    profile = load_profile()
    words = Vocabulary(profile.variables, profile.missing)
    ours = [*words.columns, profile.outcome.time, profile.outcome.event]
    rows = [{"OS_MONTHS": "31.5", "Age (months)": "61"}, {"OS_MONTHS": "12", "Age (months)": "100"}]
    proposed = yaml.safe_load(propose(["OS_MONTHS", "Age (months)"], rows, ours, words))
    assert proposed["columns"] == {"OS_MONTHS": "time_days", "Age (months)": "age_at_diagnosis_months"}
    assert proposed["units"] == {"OS_MONTHS": 0.0328542}


CBIOPORTAL = """#Patient\tAge\tSex\tOS\tRFS\tRFS
#Patient\tAge at diagnosis\tSex\tMonths\tMonths\tStatus
#STRING\tNUMBER\tSTRING\tNUMBER\tNUMBER\tSTRING
#1\t1\t1\t1\t1\t1
PATIENT_ID\tAGE\tSEX\tOS_MONTHS\tRFS_MONTHS\tRFS_STATUS
MB-1\t4\tMale\t30\t24\t1:Recurred
MB-2\t7\tFemale\t60\t60\t0:DiseaseFree
"""


def test_the_map_that_is_proposed_for_a_table_of_cbioportal_reads_it(tmp_path: Path) -> None:
    table = tmp_path / "data_clinical_patient.txt"
    table.write_text(CBIOPORTAL)
    with pytest.raises(UnknownColumnsError) as refused:
        read_cohort(table, load_profile())
    (tmp_path / "columns.yaml").write_text(refused.value.supplement)
    cohort = read_cohort(table, load_profile(), load_map(tmp_path / "columns.yaml"))
    assert cohort.case_ids == ("MB-1", "MB-2")
    assert cohort.outcome.event.tolist() == [1, 0]
    assert cohort.outcome.time.tolist() == pytest.approx([2, 5], abs=0.01)
    assert any("as cBioPortal writes them" in reading for reading in cohort.readings)


def test_lines_that_describe_no_types_are_rows(tmp_path: Path) -> None:
    table = tmp_path / "cohort.csv"
    table.write_text("#case_id,time_days\n#1,2\n#2,3\n#3,4\n#4,5\n")
    with pytest.raises(UnknownColumnsError, match="#case_id"):
        read_cohort(table, load_profile())
