"""How many tiles the encoder has embedded, as Triton counts them: whoever asked, and whatever died since."""

import re
import urllib.request
from dataclasses import dataclass

from tests.chaos.history import Landed
from tests.stack.triton import Triton
from tests.support.system import System

_COUNTED = re.compile(r"^nv_inference_count\{[^}]*\} (\d+)", re.MULTILINE)


def tiles_embedded(triton: Triton) -> int:
    """Tiles since the server's start, the known tile of each embedder's start among them."""
    with urllib.request.urlopen(triton.metrics_url, timeout=10) as answer:  # noqa: S310 - our own http URL
        return sum(map(int, _COUNTED.findall(answer.read().decode())))


def tiles_needed(system: System, landed: list[Landed]) -> int:
    """Tiles of the slides of these cases, which are scored."""
    slides = [slide for item in landed for slide in system.case(item.case_id)["score"]["slides"]]
    return sum(int(slide["ledger"]["ok"]) for slide in slides)


@dataclass(frozen=True, slots=True)
class Repeats:
    """Tiles that were embedded more than once."""

    system: System
    before: int

    @classmethod
    def since_now(cls, system: System) -> "Repeats":
        """Count from now on."""
        return cls(system, tiles_embedded(system.parts.triton))

    def count(self, landed: list[Landed], starts: int) -> tuple[int, int]:
        """Repeated and needed tiles of these cases; each start of an embedder embeds the known tile once."""
        needed = tiles_needed(self.system, landed)
        return tiles_embedded(self.system.parts.triton) - self.before - starts - needed, needed
