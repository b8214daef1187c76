"""Metrics of monitoring are those of the promoted bundle."""

import json

from prometheus_client import REGISTRY

from services.results.monitored_bundles import MonitoredBundles
from shared.blob.memory import MemoryStore
from shared.keys import CURRENT_BUNDLE, monitoring
from shared.monitoring import Standing, put_standing
from shared.units import Sha256
from tests.support import scores as samples


def flag(bundle: str) -> float | None:
    return REGISTRY.get_sample_value("medulla_monitor_flagged", {"bundle": samples.digest(bundle)[:12]})


def test_a_flag_of_a_bundle_that_is_no_longer_promoted_is_no_longer_measured() -> None:
    store = MemoryStore()
    figures = {"cases": 20, "events": 9, "expected": 4.0, "o_e": 2.2, "o_e_lo": 1.1, "o_e_hi": None}
    for name in ("old", "new"):
        charts = {"chart_more": 1.2, "chart_fewer": 0.0}
        put_standing(store, Standing(samples.digest(name), name, samples.at(1), name == "old", "", **figures, **charts))  # type: ignore[arg-type]
    store.put(monitoring(Sha256(samples.digest("odd"))), b"{}")
    monitored = MonitoredBundles(store)
    store.put(CURRENT_BUNDLE, json.dumps({"digest": samples.digest("old")}).encode())
    monitored()
    assert (flag("old"), flag("new")) == (1.0, None)
    store.put(CURRENT_BUNDLE, json.dumps({"digest": samples.digest("new")}).encode())
    monitored()
    assert (flag("old"), flag("new")) == (None, 0.0)
