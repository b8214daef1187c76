"""What a feature file was read as: one row of the report of an import."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from medulla.v1.common_pb2 import Bag, Plan, Slide
from medulla.v1.events_pb2 import SlideEmbedded

from services.standalone.features.contents import Contents
from shared.csv_file import write_csv

REPORT = "imports.csv"


@dataclass(frozen=True, slots=True)
class Reading:
    """One imported file; numbers are those of the bag, `in_file` is what the file says itself."""

    file: str
    case_id: str
    slide_id: str
    tool: str
    tiles: int
    features: int
    """A tile."""
    dtype: str
    tile_px: int
    tile_um: float
    tile_level0_px: float
    mpp: float
    coords: str
    """Unit of the file's coordinates."""
    encoder: str
    in_file: str
    """What the file says of the above; the rest comes from options and the table."""
    slide_digest: str
    plan_digest: str
    encoder_digest: str
    bag: str
    """Key of the bag."""
    bag_digest: str

    @property
    def event(self) -> SlideEmbedded:
        """The event that the embedder sends of such a bag."""
        return SlideEmbedded(
            slide=Slide(case_id=self.case_id, slide_id=self.slide_id, digest=self.slide_digest),
            plan=Plan(digest=self.plan_digest),
            bag=Bag(key=self.bag, digest=self.bag_digest, tiles=self.tiles, encoder_digest=self.encoder_digest),
        )


def stated_in_file(contents: Contents) -> str:
    """What a file says of its tiles, in words."""
    values = {
        "coords": contents.unit,
        "tile_px": contents.tile_px,
        "tile_um": contents.tile_um,
        "tile_level0_px": contents.side_px,
        "encoder": contents.encoder,
    }
    return " ".join(f"{name}={value}" for name, value in values.items() if value)


def write_report(out: Path, readings: Sequence[Reading]) -> Path:
    """Write `imports.csv` into a folder of embeddings."""
    path = out / REPORT
    write_csv(path, [field.name for field in fields(Reading)], [list(asdict(row).values()) for row in readings])
    return path
