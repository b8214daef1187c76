"""The operator of a site, who pastes what the RUNBOOK gives."""

import os
import subprocess
from pathlib import Path

from tests.support.chart.runbook import blocks
from tests.support.cluster.site import Site

_DEADLINE_S = 400


def paste(site: Site, line: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A line of shell with the RUNBOOK's functions for the site, run in a folder; it may fail."""
    names = {"NS": site.namespace.name, "RELEASE": site.medulla.name, "R": site.medulla.object_name("").rstrip("-")}
    own = " ".join(f"{name}={value}" for name, value in names.items())
    script = f"{blocks()[0]}\n{own}\n{line}"
    return subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        check=False,
    )
