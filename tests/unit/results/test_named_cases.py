"""Which other cases hold a slide is said when a case is read, and forgotten with them."""

from pathlib import Path

import pytest

from services.fusion_scorer.erase import EraseCase
from services.results.handler import RecordScore
from services.results.named_cases import name_cases
from services.results.queries import Queries
from services.results.sql_store import SqlStore
from shared import keys
from shared.bus.s3_events import ObjectHint
from shared.erased import request
from shared.errors import TransientError
from shared.units import CaseId
from tests.support.bucket_life import embed
from tests.support.scorer import Scorer

CASE, CANARY = CaseId("MB-1"), CaseId("canary-7")


@pytest.fixture
def scorer(tmp_path: Path) -> Scorer:
    created = Scorer(tmp_path)
    created.promote()
    return created


def put(scorer: Scorer, case: str) -> None:
    info = scorer.store.put(f"slides/{case}/A", b"the same slide")
    scorer.index_slide(embed(scorer.store, info))


def sentence(scorer: Scorer, case: CaseId = CASE) -> str:
    score = scorer.score(case)
    name_cases(score, scorer.store)
    return " ".join(remark.sentence for remark in score.remarks)


def test_the_names_of_an_erased_case_are_nowhere(scorer: Scorer, tmp_path: Path) -> None:
    database = tmp_path / "results.db"
    results = SqlStore(f"sqlite:///{database}")
    results.migrate()
    queries, record = Queries(results, scorer.store), RecordScore(scorer.store, results)
    for case in (CASE, CANARY):
        put(scorer, case)
    for case in (CASE, CANARY):
        record(scorer.score_case(case))
    assert f"It lies in {CANARY}, too." in queries.get_case(CASE).score.remarks[0].sentence
    assert f"It lies in {CASE}, too." in queries.get_case(CANARY).score.remarks[0].sentence
    EraseCase(scorer.store, lambda _: None)(request(CANARY, "operator"))
    results.erase(CANARY)
    assert CANARY not in str(queries.get_case(CASE)) + str(queries.list_scores(CASE))
    results.close()
    assert CANARY.encode() not in b"".join(file.read_bytes() for file in tmp_path.glob("results.db*"))
    assert not [i.key for i in scorer.store.list("") if CANARY.encode() in i.key.encode() + scorer.store.get(i.key)]


def test_a_case_whose_slide_is_gone_or_replaced_is_not_named(scorer: Scorer) -> None:
    for case in (CASE, "MB-2", "MB-3", "MB-4"):
        put(scorer, case)
    assert sentence(scorer).endswith("It lies in MB-2, MB-3, MB-4, too.")
    scorer.store.delete("slides/MB-2/A")
    scorer.store.put("slides/MB-3/A", b"another slide")
    assert sentence(scorer).endswith("It lies in MB-4, too.")


def test_a_few_cases_are_named_of_many(scorer: Scorer) -> None:
    for number in range(1, 30):
        put(scorer, f"MB-{number}")
    assert sentence(scorer).endswith("It lies in MB-10, MB-11, MB-12 and others, too.")


def test_a_store_that_does_not_answer_leaves_the_remark_as_it_is(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for case in (CASE, "MB-2"):
        put(scorer, case)
    score = scorer.score()
    stored = score.remarks[0].sentence

    def away(_: str) -> None:
        raise TransientError("no answer")

    monkeypatch.setattr(scorer.store, "list", away)
    name_cases(score, scorer.store)
    assert score.remarks[0].sentence == stored


def test_what_is_asked_of_other_cases_does_not_name_the_one_that_changed(scorer: Scorer) -> None:
    for case in (CASE, CANARY):
        put(scorer, case)
    scorer.score_case(CANARY)
    scorer.store.delete(f"slides/{CANARY}/A")
    events = scorer.requested(ObjectHint(f"{keys.slides(CANARY)}A", "medulla", removed=True))
    assert [CANARY in each.cause for each in events if each.case_id == CASE] == [False]
