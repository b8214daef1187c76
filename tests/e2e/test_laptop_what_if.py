"""What-if in `medulla up`: the form, and answers that are never stored."""

from pathlib import Path

from tests.support.installation import CLINICAL
from tests.support.laptop import PATIENCE_S, laptop
from tests.support.polling import wait_for

PATH = "/api/v1/cases/C-1/what-if"


def test_a_record_is_changed_in_a_form_of_the_profile_and_only_the_answer_changes(tmp_path: Path) -> None:
    with laptop(tmp_path) as up:
        up.land("clinical/C-1.json", CLINICAL.read_bytes().replace(b"DEMO-001", b"C-1"))
        assert wait_for(lambda: bool(up.score("C-1")), PATIENCE_S)
        stored, form = up.score("C-1"), up.get(PATH)
        stages = next(item for item in form["variables"] if item["variable"] == "chang_m_stage")
        assert stages["levels"] == ["M0", "M1", "M2", "M3", "M4"]
        risks = [
            up.post(PATH, {"clinical_record": form["clinical_record"] | {"chang_m_stage": level}})["risks"][0]["risk"]
            for level in stages["levels"]
        ]
        assert min(risks) < max(risks)
        assert stored["risks"][0]["risk"] in risks
        assert {item["event_free_years"] for item in up.post(PATH, {"event_free_years": 0.5})["event_free_risks"]} == {
            0.5
        }
        assert up.post(PATH, {"event_free_years": 5})["reason"] == "bad_request"
        assert up.post(PATH, {"clinical_record": {"chang_m_stage": "M9"}})["reason"] == "bad_clinical_record"
        assert up.score("C-1") == stored
