"""Settings of results that are refused."""

import pytest

from services.results import __main__ as results
from services.results.settings import ResultsSettings
from shared.errors import MedullaError
from shared.settings import BadSettingsError, load

URL = "postgresql://medulla:secret@db:5432/results"


def test_a_retention_of_cases_of_few_days_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESULTS_DATABASE_URL", "sqlite://")
    monkeypatch.setenv("RESULTS_CASES_KEPT_DAYS", "29")
    with pytest.raises(BadSettingsError, match="a case is erased after 30 days without activity at the earliest"):
        load(ResultsSettings)
    monkeypatch.setenv("RESULTS_CASES_KEPT_DAYS", "30")
    assert load(ResultsSettings).cases_kept_days == 30


@pytest.mark.parametrize(
    "newest", ["", "postgresql://medulla:sec", "postgresql://medulla", "postgresql://medulla@db/results", "secret"]
)
def test_a_url_of_the_database_that_is_emptied_or_cut_off_is_not_used(
    monkeypatch: pytest.MonkeyPatch, newest: str
) -> None:
    monkeypatch.setenv("RESULTS_DATABASE_URL", URL)
    first = load(ResultsSettings)
    monkeypatch.setenv("RESULTS_DATABASE_URL", newest)
    with pytest.raises(MedullaError) as caught:
        results._mounted_database_url(first)
    assert "sec" not in str(caught.value)


def test_a_new_password_of_the_database_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESULTS_DATABASE_URL", URL)
    first = load(ResultsSettings)
    monkeypatch.setenv("RESULTS_DATABASE_URL", URL.replace("secret", "renewed"))
    assert "renewed" in results._mounted_database_url(first)
