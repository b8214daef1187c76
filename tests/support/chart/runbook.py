"""What the RUNBOOK gives to paste."""

import re

from tests.support.chart.paths import CHART

RUNBOOK = (CHART / "RUNBOOK.md").read_text()


def blocks() -> list[str]:
    """Each block of shell, in order: the functions first, then how a bundle is promoted."""
    commands: list[str] = re.findall(r"^```sh\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL)
    return commands
