"""PostgreSQL reads by an index what a word may fit, also a word that is shorter than a trigram."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import select, text

from services.results.case_list import selection
from services.results.schema import CASES
from services.results.sql_selection import conditions
from services.results.sql_store import SqlStore
from tests.support import scores as samples
from tests.support.parts import PostgresPart
from tests.support.result_stores import apply


@pytest.mark.parametrize(("word", "most_read"), [("mb-17", 1), ("17", 1), ("m", 19), ("z", 0), ("zz", 0), ("b", 0)])
def test_an_index_gives_only_cases_that_a_word_may_fit(postgres: PostgresPart, word: str, most_read: int) -> None:
    with closing(SqlStore(postgres.database())) as store:
        store.migrate()
        for number in range(1, 21):
            apply(store, samples.progress(f"MB-{number}" if number > 1 else "AB-1", "A.svs", 1, samples.at(number)))
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("vacuum cases"))  # an index also gives versions of rows that an update replaced
        query = select(CASES.c.case_id).where(*conditions(selection(query=word), CASES))
        with store.engine.begin() as connection:
            for other in ("seqscan", "indexscan", "indexonlyscan"):
                connection.execute(text(f"set local enable_{other} = off"))
            compiled = query.compile(connection, compile_kwargs={"render_postcompile": True})
            explained = connection.exec_driver_sql(f"explain (analyze, format json) {compiled}", compiled.params)
            scans = list(_index_scans(explained.scalar_one()[0]["Plan"]))
    assert {scan["Index Name"] for scan in scans} == {"cases_by_part_of_case_id", "cases_by_part_of_site_id"}
    assert max(scan["Actual Rows"] for scan in scans) == most_read


def _index_scans(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if plan["Node Type"] == "Bitmap Index Scan":
        yield plan
    for child in plan.get("Plans", ()):
        yield from _index_scans(child)
