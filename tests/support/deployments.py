"""A case of a slide of 41,000 px a side and a record, in `medulla up` or on the four services, with groups of tiles."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from shared import keys
from shared.bus import topics
from tests.support.installation import CLINICAL
from tests.support.laptop import laptop
from tests.support.polling import wait_for
from tests.support.prototype_bundle import with_tile_groups
from tests.support.system import PATIENCE_S, RealParts, running
from tests.support.viewing import large_slide

CASE, OTHER = "MB-0042", "MB-0043"
SLIDE = "large.tif"
_TISSUE = {(3, 4), (4, 4), (4, 5)}
"""Cells of the slide that are not glass, so that only a few hundred tiles are embedded."""


class _Running(Protocol):
    """What both kinds of deployments can do."""

    def land(self, key: str, data: bytes) -> None: ...
    def get(self, path: str) -> dict[str, Any]: ...
    def fetch(self, path: str) -> bytes: ...


@dataclass(frozen=True)
class Deployment:
    """A running Medulla that has scored CASE from slide and record, and OTHER from its record."""

    running: _Running
    name: str
    port: int

    @property
    def address(self) -> str:
        """URL of the page."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> dict[str, Any]:
        """JSON of a path below /api/v1."""
        return self.running.get(f"/api/v1/{path}")

    def fetch(self, path: str) -> bytes:
        """Bytes of a path below /api/v1."""
        return self.running.fetch(f"/api/v1/{path}")

    def score(self, case_id: str = CASE) -> dict[str, Any]:
        """The current score; empty while there is none."""
        return dict(self.get(f"cases/{case_id}").get("score", {}))

    def fill(self) -> None:
        """Land both cases and wait until they are scored."""
        self.running.land(f"{keys.SLIDES}{CASE}/{SLIDE}", large_slide((1, 4, 16), tissue=_TISSUE))
        for case_id in (CASE, OTHER):
            record = CLINICAL.read_bytes().replace(b"DEMO-001", case_id.encode())
            self.running.land(f"{keys.CLINICAL}{case_id}.json", record)
        assert wait_for(lambda: self.score().get("model") == "fused" and self.score(OTHER), PATIENCE_S), self.score()


@contextmanager
def deployed_services(parts: RealParts, folder: Path) -> Iterator[Deployment]:
    """Four processes on the real parts."""
    with running(parts, folder, topics.S3_EVENTS, with_tile_groups(folder / "bundle")) as system:
        yield Deployment(system, "services", system.ports.results_http)


@contextmanager
def deployed_laptop(folder: Path) -> Iterator[Deployment]:
    """`medulla up` on a folder."""
    with laptop(folder / "watched", "--bundle", str(with_tile_groups(folder / "bundle"))) as up:
        yield Deployment(up, "up", up.port)
