"""Settings of results that are refused."""

import pytest

from services.results.settings import ResultsSettings
from shared.settings import BadSettingsError, load


def test_a_retention_of_cases_of_few_days_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESULTS_DATABASE_URL", "sqlite://")
    monkeypatch.setenv("RESULTS_CASES_KEPT_DAYS", "29")
    with pytest.raises(BadSettingsError, match="a case is erased after 30 days without activity at the earliest"):
        load(ResultsSettings)
    monkeypatch.setenv("RESULTS_CASES_KEPT_DAYS", "30")
    assert load(ResultsSettings).cases_kept_days == 30
