"""The jobs that keep a site in order, run by hand as the RUNBOOK says: walk of the audit record, archive, retention."""

import json
from collections.abc import Iterator

import pytest

from tests.support.chart.runbook import blocks
from tests.support.cluster.observer import Json, Observer
from tests.support.cluster.operator import paste
from tests.support.cluster.site import Site

_ARCHIVE, _COUNT_OLD = blocks()[6:8]
_VERIFY = "job=audit-now-$(date +%s); kubectl -n $NS create job $job --from=cronjob/$R-audit >&2; ended $job"
_CLEAN = "kubectl -n $NS delete jobs -l app.kubernetes.io/component={} >&2"
_ON = {"archive": {"enabled": True}, "retention": {"cases": {"afterDays": 30}}}


@pytest.fixture
def upkeep(site: Site) -> Iterator[Site]:
    """The site with all the jobs."""
    site.medulla.install(_ON)
    yield site
    for component in ("audit", "archive", "retention"):
        paste(site, _CLEAN.format(component))
    site.medulla.install()


@pytest.fixture
def case(observer: Observer) -> str:
    """A scored case."""
    [case] = observer.land("upkeep", [0])
    observer.wait_scored([case])
    return case


@pytest.fixture
def altered(site: Site, case: str) -> Iterator[str]:
    """A case of which a score was changed in the database, put back in the end."""
    change = "update scores set body = replace(body, '{}', '{}') where case_id = '{}'"
    honest, forged = '"simulated"', '"simulatee"'
    site.ask_database(change.format(honest, forged, case))
    yield case
    site.ask_database(change.format(forged, honest, case))


def _reports(printed: str) -> list[Json]:
    """The reports among the lines of logs, by what kubectl and the services say beside them."""
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line for line in lines if "level" not in line]


@pytest.mark.usefixtures("case")
def test_the_nightly_walk_finds_the_audit_record_intact(upkeep: Site) -> None:
    done = paste(upkeep, _VERIFY)
    assert done.returncode == 0, done.stdout + done.stderr
    [report] = _reports(done.stdout)
    assert report["intact"]
    assert report["entries"] > 0


def test_a_score_that_was_changed_fails_the_nightly_walk(upkeep: Site, altered: str) -> None:
    done = paste(upkeep, _VERIFY)
    assert done.returncode != 0, done.stdout
    assert altered in _reports(done.stdout)[-1]["problem"]


@pytest.mark.usefixtures("case")
def test_the_archive_runs_by_hand_and_the_record_is_intact_over_it(upkeep: Site) -> None:
    done = paste(upkeep, _ARCHIVE)
    archived, verified = _reports(done.stdout)
    assert archived.keys() == {"entries", "files", "size"}, done.stderr
    assert verified["intact"], done.stdout


@pytest.mark.usefixtures("case")
def test_old_cases_are_counted_and_none_is_erased(upkeep: Site, observer: Observer) -> None:
    before = observer.states()
    done = paste(upkeep, _COUNT_OLD)
    [counted] = _reports(done.stdout)
    assert (counted["due"], counted["requested"]) == (0, 0), done.stderr
    assert before.keys() <= observer.states().keys()
