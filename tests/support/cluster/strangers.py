"""Pods outside of the release, which try connections that must fail or work."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.cluster.kubernetes import Namespace, Object, unready, until

_REACH = """
import socket, sys, threading, time
end = time.monotonic() + float(sys.argv[3])
while True:
    try:
        socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
        print("reached")
        break
    except OSError as error:
        if time.monotonic() > end:
            print(f"refused: {error}")
            break
        threading.Event().wait(0.5)
"""


def pod(name: str, image: str, **security: object) -> Object:
    """A pod that sleeps, as "restricted" wants it, but for what `security` of its container says otherwise."""
    allowed = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    user = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {
        "name": "stranger",
        "image": image,
        "command": ["sleep", "3600"],
        "securityContext": {**allowed, **user, **security},
    }
    spec = {"containers": [container], "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _with_claim(manifest: Object, claim: str) -> Object:
    """The pod with the volume of a claim at /workspace, for its group to write."""
    spec = manifest["spec"]
    spec["securityContext"] = {"fsGroup": 10001}
    spec["volumes"] = [{"name": "work", "persistentVolumeClaim": {"claimName": claim}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "work", "mountPath": "/workspace"}]
    return manifest


@contextmanager
def running(namespace: Namespace, image: str, claim: str = "") -> Iterator[str]:
    """Name of a stranger that runs in the namespace while the body does, with a claim's volume where one is named."""
    namespace.attempt("delete", "pod", "stranger", "--ignore-not-found", "--wait")
    manifest = pod("stranger", image)
    namespace.apply(_with_claim(manifest, claim) if claim else manifest)
    until("the stranger to run", lambda: unready(namespace.object("pod", "stranger")), 120)
    try:
        yield "stranger"
    finally:
        namespace.attempt("delete", "pod", "stranger", "--wait=false")


def reach(namespace: Namespace, source: str, host: str, port: int, patience_s: float = 0, container: str = "") -> str:
    """Whether a program in a pod can open a connection: "reached", or "refused" and why."""
    command = ("python", "-c", _REACH, host, str(port), str(patience_s))
    return namespace.exec(source, *command, container=container).strip()
