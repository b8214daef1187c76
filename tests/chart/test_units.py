"""The templates' own tests, in charts/medulla/tests."""

from tests.support.chart.paths import CHART
from tests.support.chart.rendering import run


def test_the_templates_do_what_their_tests_say() -> None:
    done = run("helm-unittest", CHART)
    assert done.returncode == 0, done.stdout + done.stderr
