"""Working through cases in `medulla up`: list, timeline, notes, dead letters, and what an erasure leaves of them."""

import json
from pathlib import Path
from typing import Any

from tests.support import slides
from tests.support.installation import CLINICAL
from tests.support.laptop import PATIENCE_S, Laptop, laptop
from tests.support.polling import wait_for


def letters(up: Laptop) -> list[dict[str, Any]]:
    return list(up.get("/api/v1/dead-letters")["dead_letters"])


def test_a_case_is_listed_noted_and_followed_and_erasing_it_leaves_nothing_of_that(tmp_path: Path) -> None:
    with laptop(tmp_path) as up:
        record = json.loads(CLINICAL.read_bytes()) | {"case_id": "C-1", "site_id": "north"}
        up.land("clinical/C-1.json", json.dumps(record).encode())
        up.land("slides/C-1/a.svs", slides.cc0_bytes())
        up.land("slides/C-2/bad.svs", b"no slide")
        assert wait_for(lambda: up.score("C-1").get("model") == "fused", PATIENCE_S)
        assert wait_for(lambda: len(letters(up)) == 1, PATIENCE_S)
        assert [case["case_id"] for case in up.get("/api/v1/cases?site=north")["cases"]] == ["C-1"]
        assert [case["case_id"] for case in up.get("/api/v1/cases?reason=not_a_slide")["cases"]] == ["C-2"]
        outcomes = up.get("/api/v1/cases/C-1/outcomes")["outcomes"]
        assert outcomes["1"] == "relapse or progression"
        up.post("/api/v1/cases/C-1/notes", {"kind": "outcome", "event": "1", "event_years": 2.5})
        kinds = {event["kind"] for event in up.get("/api/v1/cases/C-1/timeline")["events"]}
        assert kinds >= {"landed", "planned", "embedded", "scored", "noted"}
        (letter,) = letters(up)
        assert (letter["reason"], bool(letter["sentence"]), bool(letter["advice"])) == ("not_a_slide", True, True)
        assert up.post("/api/v1/dead-letters", {"ids": [letter["id"]]}) == {"replayed": [letter["id"]]}
        assert wait_for(lambda: any(each["replayed"] for each in letters(up)), PATIENCE_S)
        for case in ("C-1", "C-2"):
            assert up.delete(f"/api/v1/cases/{case}") == 202
        assert wait_for(lambda: up.get("/api/v1/cases")["cases"] == [], PATIENCE_S)
        assert wait_for(lambda: letters(up) == [], PATIENCE_S)
        assert b"2.5" not in up.fetch("/api/v1/notes.csv")
        assert up.get("/api/v1/audit/verify")["intact"]
