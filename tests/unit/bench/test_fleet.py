"""The simulated fleet: queues counted by hand, growth where slides wait, and the table in the chart's README."""

import re

import numpy as np
import pytest

from tests.bench import sizing
from tests.bench.fleet import Arrivals, Fleet, Rates, queue, simulate
from tests.support.chart.paths import CHART
from tests.support.checkout import CHECKOUT


def test_jobs_wait_for_the_first_free_server_in_the_order_in_which_they_come() -> None:
    ready, times = np.array([0.0, 5.0, 1.0, 30.0]), np.array([10.0, 10.0, 10.0, 1.0])
    assert queue(ready, times, 1).tolist() == [0.0, 15.0, 9.0, 0.0]
    assert queue(ready, times, 2).tolist() == [0.0, 5.0, 0.0, 0.0]


def test_a_station_asked_for_more_than_it_can_do_is_named_and_one_more_shortens_the_wait() -> None:
    arrivals, rates = Arrivals(500, days=1), Rates(encode_tiles_s=100)
    short, longer = simulate(arrivals, rates, Fleet()), simulate(arrivals, rates, Fleet(gpus=2))
    assert short.slowest == "gpus"
    assert short.load["gpus"] > 1 > short.load["scorers"]
    assert longer.quantiles()[1] < short.quantiles()[1]


def test_sizes_have_their_median_and_a_long_tail() -> None:
    _, sizes = Arrivals(20_000, days=1).draw()
    assert np.median(sizes) == pytest.approx(760, rel=0.03)
    assert np.quantile(sizes, 0.99) > 8 * 760


@pytest.mark.parametrize("name", ["README.md", "README.md.gotmpl"])
def test_the_readme_of_the_chart_has_the_table_of_today(name: str) -> None:
    text = (CHART / name).read_text(encoding="utf-8")
    assert sizing.written(text) == text


def test_a_score_takes_what_the_bench_measured() -> None:
    published = (CHECKOUT / "tests/bench/README.md").read_text(encoding="utf-8")
    (cases_a_second,) = re.findall(r"\*\*([\d.]+) cases a second\*\* from 1,000 cases", published)
    assert Rates().score_s == pytest.approx(2 / float(cases_a_second), rel=0.01)


def test_pods_follow_from_the_requests_of_the_chart_and_what_is_assumed_says_so() -> None:
    assert sizing.pods(Fleet(planners=5, gpus=9, scorers=1), decoding=8) == "7, 9, 2, 2"
    head = sizing.table(loads=()).splitlines()[0]
    assert head.count("assumed") == 2
