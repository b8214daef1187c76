"""Settings of the embedder, read from `EMBEDDER_…` variables in `__main__` alone."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.embedder.events import SERVICE
from services.embedder.handler import EmbedSlide
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from shared.rpc.client_tls import ClientTls
from shared.settings import ServiceSettings


class EmbedderSettings(ServiceSettings):
    """Settings of the embedder, e.g. `EMBEDDER_TRITON_URL=127.0.0.1:8001`."""

    model_config = SettingsConfigDict(env_prefix="EMBEDDER_")

    group: str = Field(default=SERVICE, pattern=r"^embedder(-[a-z0-9]{1,12})?$")
    """Consumer group, one for each encoder; its retry topic is named after it. A second one is `embedder-NAME`."""
    encoder: Path = DEFAULT_ENCODER
    """Folder with encoder.onnx and manifest.json."""
    other_grids: Literal["refuse", "pass"] = "refuse"
    """Plans with tiles that the encoder does not take; pass: another group embeds them."""
    triton_url: str = ""
    """host:port of Triton's gRPC; empty: the encoder runs in this process."""
    triton_shared_memory: Literal["auto", "on", "off"] = "auto"
    """Pass tiles to Triton through shared memory; auto: if Triton can open it."""
    triton_timeout_s: float = Field(default=30, gt=0)
    """Deadline of one batch, its time in Triton's queue counted."""
    triton_start_s: float = Field(default=300, gt=0)
    """How long Triton may take to load the encoder when both start together."""
    batches_in_flight: int = Field(default=4, ge=1, le=64)
    """Batches sent to Triton at once."""
    batch: int | None = Field(default=None, ge=1, le=4096)
    """Tiles in one run of the encoder or one request to Triton; None: 64, and 8 on a CPU in this process."""
    threads: int = Field(default=0, ge=0)
    """Parallel runs of the encoder in this process on a CPU; 0: one per core."""
    tiler_address: str = "127.0.0.1:50051"
    """The tiler's gRPC; `dns:///host:port` spreads streams over all its replicas."""
    tiler_tls: ClientTls | None = None
    max_message_mb: int = Field(default=256, ge=16)
    """Largest gRPC message; a chunk of 512 tiles of 256 px takes 101 MB."""
    max_corrupt: float = Field(default=EmbedSlide.max_corrupt, ge=0, lt=1)
    """Share of a slide's tiles that may be corrupt."""
    concurrency: int = Field(default=2, ge=1)
    """Slides processed in parallel; small ones share batches."""
    turn_s: float = Field(default=EmbedSlide.turn_s, gt=0)
    """Time spent on a slide before slides that wait are embedded first; finished parts are kept."""
    limit_s: float = Field(default=EmbedSlide.limit_s, gt=0)
    """Time spent on a slide in all its turns before it is refused as too large."""
    check_every_s: float = Field(default=EmbedSlide.check_every_s, gt=0)
    """Time between two checks that the slide at work is still in the bucket and its case is not erased."""
    sweep_every_s: float = Field(default=900, gt=0)
    """How often planned slides without a bag of the encoder are looked for."""
    sweep_after_s: float = Field(default=3600, ge=0)
    """Slides that were planned less long ago are left to their own event by that sweep."""
    progress_every_s: float = Field(default=EmbedSlide.progress_every_s, gt=0)
    """Time between two progress events of a slide."""
