"""Settings of the tiler, read from `TILER_…` variables in `__main__` alone."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, PositiveFloat
from pydantic_settings import SettingsConfigDict

from services.tiler.grid import GridSpec
from services.tiler.isolated_reader import ReaderLimits
from services.tiler.planner import PlanSpec, QualityRules
from services.tiler.resolution import MppTable
from services.tiler.settling import SeriesSettings
from shared.rpc.server_tls import ServerTls
from shared.settings import Section, ServiceSettings, SqsSettings
from shared.slides.standing import CHECK_EVERY_S


class ScratchSettings(Section):
    """Disk space for slides in work."""

    folder: Path = Field(default_factory=lambda: Path(tempfile.gettempdir()) / "medulla-scratch")
    budget_mb: int = Field(default=20_000, ge=1)
    """Shared by all workers of the process; a larger slide is refused."""
    part_mb: int = Field(default=8, ge=1)
    """Size of one ranged request."""
    connections: int = Field(default=8, ge=1, le=64)
    """Ranged requests at once."""
    wait_s: float = Field(default=900, gt=0)
    """How long a slide waits for space before it is retried later."""
    idle_s: float = Field(default=300, gt=0)
    """How long a slide stays after its last use, in case its tiles are requested again."""


class ViewSettings(Section):
    """Slides that are open for viewers."""

    slides: int = Field(default=6, ge=1)
    """Slides that are open at once, each with a process of its own."""
    regions: int = Field(default=16, ge=1)
    """Regions that are read at once; further callers are refused as busy."""
    idle_s: float = Field(default=120, gt=0)
    """How long a slide stays open after its last use."""
    cache_mb: int = Field(default=32, ge=1)
    """Memory for a slide's bytes that came from the bucket."""


class TilerSettings(ServiceSettings, QualityRules):
    """Settings of the tiler, e.g. `TILER_GRID__TILE_PX=512`; the quality rules' fields are settings too."""

    model_config = SettingsConfigDict(env_prefix="TILER_")

    grid: GridSpec = GridSpec()
    further_grids: tuple[GridSpec, ...] = ()
    """JSON, grids of further encoders: `[{"tile_px": 224, "tile_um": 112}]`; a slide gets a plan of each."""
    tiles_per_chunk: int = Field(default=PlanSpec().tiles_per_chunk, ge=256, le=512)
    default_mpp: PositiveFloat | None = None
    """Microns per pixel of slides that state none; it never replaces a stated value."""
    mpp_overrides: Mapping[str, PositiveFloat] = Field(default_factory=dict)
    """JSON, pattern of case_id/slide_id to microns per pixel: `{"case-7/*": 0.25}`; replaces implausible values too."""
    scratch: ScratchSettings = Field(default_factory=ScratchSettings)
    limits: ReaderLimits = ReaderLimits()
    """Of the process that reads a slide, e.g. `TILER_LIMITS__TILES_S=60`."""
    series: SeriesSettings = SeriesSettings()
    sqs: SqsSettings | None = None
    """Queue of S3 events if the bucket does not announce to Kafka, e.g. `TILER_SQS__URL=https://…`."""
    address: str = "127.0.0.1:50051"
    """Where TileService listens; 0.0.0.0:50051 in a pod."""
    tls: ServerTls | None = None
    """Certificate of TileService; None if a proxy in front of it terminates TLS."""
    max_streams: int = Field(default=4, ge=1)
    """Streams at once; further callers are refused as busy."""
    decode_threads: int = Field(default=4, ge=1)
    """Threads that decode tiles, shared by all streams."""
    concurrency: int = Field(default=2, ge=1)
    """Slides planned at once."""
    views: ViewSettings = Field(default_factory=ViewSettings)
    max_message_mb: int = Field(default=256, ge=16)
    """Largest gRPC message; a chunk of 512 tiles of 256 px takes 101 MB."""
    check_every_s: float = Field(default=CHECK_EVERY_S, gt=0)
    """Time between two checks that a slide at work is still in the bucket."""
    sweep_every_s: float = Field(default=900, gt=0)
    """How often the bucket is searched for slides that no event announced."""

    @property
    def plans(self) -> Sequence[PlanSpec]:
        """The parameters of plans, one for each grid, that of `grid` first."""
        quality = QualityRules(**{name: getattr(self, name) for name in QualityRules.model_fields})
        grids = dict.fromkeys((self.grid, *self.further_grids))
        return [PlanSpec(grid=grid, quality=quality, tiles_per_chunk=self.tiles_per_chunk) for grid in grids]

    @property
    def mpp(self) -> MppTable:
        """The operator's table of resolutions."""
        return MppTable(self.mpp_overrides, self.default_mpp)

    @property
    def longest_turn_s(self) -> float:
        """How long one turn of work on a slide may take: a plan of each grid."""
        return len(self.plans) * max(self.limits.first_turn_s, self.limits.plan_s)
