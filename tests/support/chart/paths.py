"""Where the chart is."""

from tests.support.checkout import CHECKOUT

CHART = CHECKOUT / "charts" / "medulla"
CI_VALUES = sorted((CHART / "ci").glob("*.yaml"))
