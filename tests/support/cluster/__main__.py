"""A site on the cluster that KUBECONFIG names: `python -m tests.support.cluster check|images|up|status|down`."""

import argparse
import sys

from tests.stack.home import StackError
from tests.support.cluster import images
from tests.support.cluster.kubernetes import Namespace, require_cluster
from tests.support.cluster.site import Site

_NAMESPACE = "medulla"


def main() -> int:
    """0 when done; 1 with one sentence when something is missing or failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.cluster", description=__doc__)
    parser.add_argument("what", choices=["check", "images", "up", "status", "down"])
    parser.add_argument("--namespace", default=_NAMESPACE)
    arguments = parser.parse_args()
    site = Site(Namespace(arguments.namespace))
    try:
        require_cluster()
        _do(arguments.what, site)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _do(what: str, site: Site) -> None:
    if what == "images":
        images.build()
    elif what == "up":
        site.up()
    elif what == "down":
        site.down()
    if what in {"up", "status"}:
        print(site.namespace.attempt("get", "pods").stdout)


if __name__ == "__main__":
    sys.exit(main())
