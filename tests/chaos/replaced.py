"""Services with other settings, or made to fail on purpose, in the place of the system's own."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from tests.stack.services import Service
from tests.support.system import System

HOSTILE_TILER = "tests.support.hostile_tiler"
"""A tiler that crashes and hangs as the names of slides say."""


@contextmanager
def replaced(
    system: System, names: Iterable[str], settings: Mapping[str, str], module: str = ""
) -> Iterator[Mapping[str, Service]]:
    """All services, of which those of these names run with further settings, and `module` instead of their own.

    At the end the system's own run again.
    """
    others = {
        name: replace(system.services[name], environment={**system.services[name].environment, **settings})
        for name in names
    }
    others = {name: replace(service, module=module or service.module) for name, service in others.items()}
    for name, service in others.items():
        system.services[name].stop()
        service.start()
    try:
        yield {**system.services, **others}
    finally:
        for name, service in others.items():
            service.stop()
            system.services[name].start()
