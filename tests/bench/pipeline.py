"""The pipeline in one process compared with its two halves: only decoding, only encoding."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from medulla.v1.events_pb2 import SlideTiled
from numpy.typing import NDArray
from safetensors.numpy import load as load_tensors

from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.local_slides import SlideFile
from services.standalone.pipeline import Pipeline, open_pipeline
from services.standalone.pipeline_options import Options
from services.standalone.workspace import Workspace
from services.tiler.grid import GridSpec, lay
from services.tiler.ports import Cut, Origins, Rgb
from services.tiler.readers import open_slide
from tests.bench import material
from tests.bench.size import Size
from tests.bench.table import Row, Section, ratios
from tests.bench.timing import Run, measured, rates, tile_row

T = TypeVar("T", bound=np.generic)
_CHUNK = 256
_DERIVED = ("plans", "embeddings")


@dataclass(frozen=True, slots=True)
class Planned:
    """A slide, its plan, and the tiles of the plan decoded."""

    slide: Path
    event: SlideTiled
    origins: Origins
    cut: Cut

    @classmethod
    def by(cls, pipeline: Pipeline, slide: Path) -> "Planned":
        """Plan the slide once, to know which tiles the halves have to do."""
        event = pipeline.plan(file_of(slide))
        stored = load_tensors(pipeline.workspace.store.get(event.plan.prefix + "tiles.safetensors"))
        with open_slide(slide) as reader:
            return cls(slide, event, stored["coords"], lay(GridSpec(), reader.describe()).cut)

    def decoded(self) -> Rgb:
        """All tiles, chunk by chunk, each chunk shared by one thread a core."""
        with open_slide(self.slide) as reader, ThreadPoolExecutor(_cores()) as pool:
            parts = [origins for chunk in _chunks(self.origins) for origins in np.array_split(chunk, _cores())]
            return np.concatenate(list(pool.map(lambda origins: reader.read_tiles(origins, self.cut).pixels, parts)))


@dataclass
class Runs:
    """Repeats of each piece of the work."""

    decode: list[Run] = field(default_factory=list)
    encode: list[Run] = field(default_factory=list)
    plan: list[Run] = field(default_factory=list)
    embed: list[Run] = field(default_factory=list)

    @property
    def alone(self) -> dict[str, list[Run]]:
        """Each half by itself."""
        return {"decode alone": self.decode, "encoder alone": self.encode}

    @property
    def slower(self) -> str:
        """Which half takes longer."""
        return max(self.alone, key=lambda half: sum(run.seconds for run in self.alone[half]))

    @property
    def whole(self) -> list[Run]:
        """From a slide's file to its bag."""
        pairs = zip(self.plan, self.embed, strict=True)
        return [Run(a.seconds + b.seconds, a.cpu_seconds + b.cpu_seconds) for a, b in pairs]

    @property
    def halves(self) -> list[Run]:
        """Decoding, then encoding, each alone on all cores: what they can do together where both need the cores."""
        pairs = zip(self.decode, self.encode, strict=True)
        return [Run(a.seconds + b.seconds, a.cpu_seconds + b.cpu_seconds) for a, b in pairs]


def compare(size: Size, folder: Path) -> Section:
    """Decode alone, encode alone, plan and embed, in turn."""
    slide = material.aperio(folder / "pipeline.svs", size.pipeline_copies)
    encoder = OnnxEncoder(DEFAULT_ENCODER)
    with open_pipeline(Workspace(folder / "workspace"), Options()) as pipeline:
        planned = Planned.by(pipeline, slide)
        tiles = planned.decoded()
        _encode(encoder, tiles[:_CHUNK])
        runs = Runs()
        for _ in range(size.encoder_repeats):
            runs.decode.append(measured(planned.decoded))
            runs.encode.append(measured(lambda: _encode(encoder, tiles)))
            forget(pipeline.workspace)
            runs.plan.append(measured(lambda: pipeline.plan(file_of(slide))))
            runs.embed.append(measured(lambda: pipeline.embed_slide(planned.event)))
    return Section(_title(planned, slide), _rows(runs, len(tiles)), _notes(runs, len(tiles)))


def _rows(runs: Runs, count: int) -> list[Row]:
    rows = [Row(what, "tiles/s", rates(done, count)) for what, done in runs.alone.items()]
    for what, done in {"pipeline, plan to bag": runs.embed, "pipeline, slide file to bag": runs.whole}.items():
        rows.append(tile_row(what, count, done, f"the slower one: {runs.slower}", runs.alone[runs.slower]))
        rows.append(tile_row(what, count, done, "both on the same cores: 1/(1/d + 1/e)", runs.halves))
    return rows


def _notes(runs: Runs, count: int) -> list[str]:
    slower, both = (tile_row("", count, runs.whole, "", other) for other in (runs.alone[runs.slower], runs.halves))
    planning = median(run.seconds for run in runs.plan)
    return [
        f"slide file to bag: {_percent(slower)} of the slower one (goal: 90 %), {_percent(both)} of both together;",
        "without a GPU decoder and encoder share the cores, so that the second is the bound and below the first;",
        f"planning, before the first tile, takes {planning:.2f} s of it",
    ]


def _percent(row: Row) -> str:
    return f"{median(ratios(row.ours, row.other)):.0%} by the clock, {median(row.cpu):.0%} by CPU time"


def _title(planned: Planned, slide: Path) -> str:
    size = f"{len(planned.origins)} tiles of an Aperio slide of {slide.stat().st_size / 1e6:.0f} MB"
    return f"Pipeline in one process: {size}, {_cores()} cores for each, ONNX Runtime"


def _encode(encoder: OnnxEncoder, tiles: Rgb) -> None:
    for chunk in _chunks(tiles):
        encoder.embed(chunk)


def _chunks(items: NDArray[T]) -> list[NDArray[T]]:
    return [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]


def file_of(slide: Path) -> SlideFile:
    """The slide as the pipeline takes it."""
    return SlideFile(slide, "bench", "slide")


def forget(workspace: Workspace) -> None:
    """Remove what was made of slides."""
    for name in _DERIVED:
        shutil.rmtree(workspace.root / name, ignore_errors=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0))
