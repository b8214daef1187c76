"""Where the chart is."""

from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
CHART = CHECKOUT / "charts" / "medulla"
CI_VALUES = sorted((CHART / "ci").glob("*.yaml"))
