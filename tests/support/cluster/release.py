"""A release of the chart: installed, upgraded, rolled back, tested, removed, with its progress on the console."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.stack.chart_tools import tool
from tests.stack.home import StackError
from tests.support.chart.paths import CHART
from tests.support.cluster.kubernetes import Namespace, Object, unready, until

Values = Mapping[str, Any]
VALUES_OF = {"tiler": "tiler", "embedder": "embedder", "fusion-scorer": "fusionScorer", "results": "results"}
"""Key of each service's values."""
SERVICES = tuple(VALUES_OF)
READY_S = 600
"""How long pods may take to be ready, images loaded."""


@dataclass(frozen=True)
class Release:
    """A release in a namespace; `values` are files and then a mapping that wins over them."""

    namespace: Namespace
    files: tuple[Path, ...] = ()
    name: str = "medulla"
    values: Values = field(default_factory=dict)
    chart: tuple[str, ...] = (str(CHART),)
    """What helm installs, with options that say where it has it from."""

    def install(self, more: Values | None = None, wait: bool = True) -> str:
        """Install it, or upgrade it to `more` values beside its own; gives helm's words.

        Raises:
            StackError: helm failed or pods did not become ready; says what they are doing.
        """
        files = [word for file in self.files for word in ("--values", str(file))]
        wait_options = ["--wait", "--wait-for-jobs", "--timeout", f"{READY_S}s"] if wait else []
        values = json.dumps(_merged(self.values, more or {}))
        return self.helm(
            "upgrade", "--install", self.name, *self.chart, *files, "--values", "-", *wait_options, stdin=values
        )

    def uninstall(self) -> None:
        """Remove it and wait until its pods are gone; those of `helm test` and of failed hooks stay, ended."""
        self.helm("uninstall", self.name, "--ignore-not-found", "--wait", "--timeout", "180s")
        until("the pods to go", lambda: " ".join(self._at_work()), 180)

    def _at_work(self) -> list[str]:
        pods = self.namespace.objects("pods", **{"app.kubernetes.io/instance": self.name})
        return [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] not in {"Succeeded", "Failed"}]

    def helm(self, *arguments: str, stdin: str = "") -> str:
        """Run helm on the namespace.

        Raises:
            StackError: it failed; with what it said, and what the pods are doing.
        """
        command = [str(tool("helm")), "--namespace", self.namespace.name, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=READY_S + 60, check=False)
        if done.returncode != 0:
            state = self.namespace.attempt("get", "pods,jobs,events").stdout
            raise StackError(f"helm {arguments[0]}: {done.stderr.strip()}\n{done.stdout}\n{state}")
        return done.stdout

    def object_name(self, component: str) -> str:
        """Name of an object of a component."""
        prefix = self.name if "medulla" in self.name else f"{self.name}-medulla"
        return f"{prefix}-{component}"

    def pods(self, component: str = "") -> list[Object]:
        """Pods of the release that are not about to end, or of one component of it."""
        labels = {"app.kubernetes.io/instance": self.name}
        if component:
            labels["app.kubernetes.io/component"] = component
        pods = self.namespace.objects("pods", **labels)
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def pod(self, component: str) -> str:
        """Name of a pod of the component that is ready."""
        ready = [pod["metadata"]["name"] for pod in self.pods(component) if not unready(pod)]
        if not ready:
            raise StackError(f"no pod of {component} is ready")
        return str(ready[0])

    def wait_ready(self, *components: str, seconds: float = READY_S) -> None:
        """Wait until every pod of the components is ready, and there are as many as wanted."""
        for component in components or SERVICES:
            until(f"{component} to be ready", partial(self._missing, component), seconds)

    def restart(self) -> None:
        """Replace the pods of every service by new ones, which have counted nothing and never restarted."""
        deployments = [f"deployment/{self.object_name(service)}" for service in SERVICES]
        self.namespace.kubectl("rollout", "restart", *deployments)
        for each in deployments:
            self.namespace.kubectl("rollout", "status", each, f"--timeout={READY_S}s", timeout=READY_S + 10)

    def _missing(self, component: str) -> str:
        expected = self.namespace.object("deployment", self.object_name(component))["spec"]["replicas"]
        pods = self.pods(component)
        pending = [unready(pod) for pod in pods if unready(pod)]
        return "; ".join(pending) or ("" if len(pods) == expected else f"{len(pods)} of {expected} pods")


def _merged(below: Values, above: Values) -> dict[str, Any]:
    out = dict(below)
    for key, value in above.items():
        inner = out.get(key)
        out[key] = _merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return out
