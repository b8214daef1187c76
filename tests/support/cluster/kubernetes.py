"""The cluster that KUBECONFIG names, by kubectl: objects in and out, logs, commands in pods."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stack.home import MissingPartError, StackError
from tests.support.polling import wait_for

Object = dict[str, Any]
_DEADLINE_S = 120


def require_cluster() -> None:
    """Make sure that there is a cluster to talk to.

    Raises:
        MissingPartError: there is none; the sentence says what is missing.
    """
    if shutil.which("kubectl") is None:
        raise MissingPartError("kubectl is not on PATH; the tests on a cluster need it.")
    named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    if not any(Path(each).is_file() for each in named.split(os.pathsep)):
        raise MissingPartError(f"There is no cluster: set KUBECONFIG to the settings of one ({named} is no file).")
    done = _run(["get", "--raw", "/readyz", "--request-timeout", "10s"])
    if done.returncode != 0:
        raise MissingPartError(f"The cluster of {named} does not answer: {done.stderr.strip()}")


def _run(arguments: Sequence[str], stdin: str = "", timeout: float = _DEADLINE_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["kubectl", *arguments], input=stdin, capture_output=True, text=True, timeout=timeout, check=False
    )


def kubectl(*arguments: str, stdin: str = "", timeout: float = _DEADLINE_S) -> str:
    """Run kubectl; gives what it prints.

    Raises:
        StackError: it failed; with what it said.
    """
    done = _run(arguments, stdin, timeout)
    if done.returncode != 0:
        raise StackError(f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace of the cluster."""

    name: str

    def kubectl(self, *arguments: str, stdin: str = "", timeout: float = _DEADLINE_S) -> str:
        """Run kubectl on it; gives what it prints.

        Raises:
            StackError: it failed; with what it said.
        """
        return kubectl("--namespace", self.name, *arguments, stdin=stdin, timeout=timeout)

    def attempt(self, *arguments: str, timeout: float = _DEADLINE_S) -> subprocess.CompletedProcess[str]:
        """Run kubectl on it; it may fail."""
        return _run(["--namespace", self.name, *arguments], timeout=timeout)

    def create(self, **labels: str) -> None:
        """Make it, with labels, where it is not there."""
        about = {"name": self.name, "labels": labels}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": about})

    def delete(self) -> None:
        """Remove it and everything in it; waits until it is gone.

        Raises:
            StackError: it is still there.
        """
        kubectl("delete", "namespace", self.name, "--ignore-not-found", "--wait", "--timeout", "180s", timeout=200)

    def apply(self, *objects: Object) -> None:
        """Make or change objects."""
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.kubectl("apply", "--filename", "-", stdin=listed)

    def objects(self, kind: str, **labels: str) -> list[Object]:
        """Everything of a kind that has these labels."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        listed = self.kubectl("get", kind, "--output", "json", *(["--selector", selector] if selector else []))
        return list(json.loads(listed)["items"])

    def object(self, kind: str, name: str) -> Object:
        """One object."""
        return dict(json.loads(self.kubectl("get", kind, name, "--output", "json")))

    def names(self, kind: str, **labels: str) -> list[str]:
        """Names of everything of a kind that has these labels."""
        return sorted(each["metadata"]["name"] for each in self.objects(kind, **labels))

    def exec(self, pod: str, *command: str, container: str = "") -> str:
        """What a command in a pod prints."""
        where = ["--container", container] if container else []
        return self.kubectl("exec", pod, *where, "--", *command)

    def logs(self, pod: str, container: str, *, previous: bool = False) -> str:
        """What a container has said since its last start, or what the `previous` one said until then."""
        options = ["--previous"] if previous else []
        return self.kubectl("logs", pod, "--container", container, *options)


def until(what: str, missing: Callable[[], str], seconds: float, pause: float = 1.0) -> None:
    """Wait until `missing` returns nothing.

    Raises:
        StackError: it did not happen in time; names it, and what was missing last.
    """
    problem = ""

    def happened() -> bool:
        nonlocal problem
        problem = missing()
        return not problem

    if not wait_for(happened, seconds, pause):
        raise StackError(f"gave up after {seconds:.0f} s waiting for {what}: {problem}")


def unready(pod: Object) -> str:
    """Why a pod is not ready; nothing where it is."""
    conditions = {each["type"]: each for each in pod["status"].get("conditions", ())}
    if conditions.get("Ready", {}).get("status") == "True":
        return ""
    about = conditions.get("Ready", {}).get("message") or pod["status"].get("phase", "unknown")
    return f"{pod['metadata']['name']}: {about}"
