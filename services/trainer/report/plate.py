"""The plate of example tiles of each prototype, from the highest hazard ratio to the lowest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.trainer.metrics.bootstrap import NO_FIGURE, Figure
from services.trainer.report_model.patients import PrototypeRow


@dataclass(frozen=True, slots=True)
class Picture:
    """An example tile as a picture, or why there is none."""

    address: str = ""
    """A `data:` address, so that the page needs no other file."""
    tile_um: float = 0.0
    """Microns of tissue along a side."""
    why: str = ""
    """Why there is no picture."""


@dataclass(frozen=True)
class Plate:
    """Pictures of the example tiles of a report."""

    pictures: Mapping[int, Sequence[Picture]]
    """By number of the prototype, one for each of its examples and in their order."""

    @property
    def wide(self) -> str:
        """How wide the pictures are; of one encoder's tiles there is one width."""
        return " or ".join(f"{um:g} µm" for um in sorted({picture.tile_um for picture in self._shown}))

    @property
    def lack(self) -> str:
        """What is missing in one sentence; empty where nothing is."""
        total, absent = len(self._all), [picture.why for picture in self._all if picture.why]
        if not absent:
            return ""
        count = "None" if len(absent) == total else f"{total - len(absent)}"
        return f"{count} of the {total} example tiles could be shown. The first that could not: {absent[0]}."

    @property
    def _all(self) -> list[Picture]:
        return [picture for row in self.pictures.values() for picture in row]

    @property
    def _shown(self) -> list[Picture]:
        return [picture for picture in self._all if not picture.why]


def by_risk(prototypes: Sequence[PrototypeRow]) -> list[PrototypeRow]:
    """From the highest hazard ratio to the lowest; those without one last, the most frequent first."""
    return sorted(prototypes, key=lambda row: (-(_ratio(row).est or 0.0), -(row.mean_share or 0.0)))


def _ratio(prototype: PrototypeRow) -> Figure:
    return prototype.hazard_ratio_per_sd or NO_FIGURE
