"""`python -m tests.support.chart`: writes what is made from other files of the chart, and its README with helm-docs."""

import subprocess
import sys

from tests.support.chart import dashboards, values_schema
from tests.support.chart.paths import CHART
from tests.support.stack.chart_tools import tool
from tests.support.stack.home import StackError


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
