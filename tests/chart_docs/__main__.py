"""`python -m tests.chart_docs`: generates the chart's schema and dashboards, and its README with helm-docs."""

import subprocess
import sys

from tests.chart_docs import dashboards, values_schema
from tests.stack.chart_tools import tool
from tests.stack.home import StackError
from tests.support.chart.paths import CHART


def main() -> int:
    """Write them all; 1 and a sentence where helm-docs is missing."""
    (CHART / "values.schema.json").write_text(values_schema.schema())
    for name, text in dashboards.dashboards().items():
        (dashboards.FOLDER / f"{name}.json").write_text(text)
    try:
        subprocess.run([tool("helm-docs"), "--chart-search-root", CHART], check=True)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
