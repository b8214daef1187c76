"""Every metric says what it means, and none can name a patient."""

import pytest
from prometheus_client import metrics as kinds

from shared import metrics

ALL = {name: value for name, value in vars(metrics).items() if isinstance(value, kinds.MetricWrapperBase)}
_LABELS = {
    *("service", "topic", "partition", "outcome", "reason", "prefix", "status", "device", "model"),
    *("abstained", "simulated", "method", "route", "code", "modality", "flag", "site", "address", "where", "error"),
    *("group", "bundle", "end", "direction", "stage"),
}


@pytest.mark.parametrize("name", ALL)
def test_a_metric_is_named_explained_and_anonymous(name: str) -> None:
    (described,) = ALL[name].describe()
    assert described.name.startswith("medulla_")
    assert described.documentation.count(".") >= 2, "what it means, and what to do"
    assert set(vars(ALL[name])["_labelnames"]) <= _LABELS


def test_the_list_is_not_empty() -> None:
    assert len(ALL) > 15
