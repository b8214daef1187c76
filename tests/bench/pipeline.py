"""The pipeline in one process beside its two halves: decoding alone, encoding alone."""

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

from services.embedder.manifest import DEFAULT_ENCODER
from services.embedder.onnx_encoder import OnnxEncoder
from services.standalone.pipeline import Options, Pipeline, open_pipeline
from services.standalone.workspace import SlideFile, Workspace
from services.tiler.grid import GridSpec, lay
from services.tiler.ports import Cut, Origins, Rgb
from services.tiler.readers import open_slide
from tests.bench import material
from tests.bench.size import Size
from tests.bench.table import Row, Section, ratios
from tests.bench.timing import Run, cpu_rates, measured, rates

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
        event = pipeline.plan(SlideFile(slide, "bench", "slide"))
        stored = load_tensors(pipeline.workspace.store.get(event.plan.prefix + "tiles.safetensors"))
        with open_slide(slide) as reader:
            return cls(slide, event, stored["coords"], lay(GridSpec(), reader.describe()).cut)

    def decoded(self) -> Rgb:
        """All tiles, chunk by chunk, each chunk shared by one thread a core."""
        with open_slide(self.slide) as reader, ThreadPoolExecutor(_cores()) as pool:
            parts = [part for chunk in _chunks(self.origins) for part in np.array_split(chunk, _cores())]
            return np.concatenate(list(pool.map(lambda part: reader.read_tiles(part, self.cut).pixels, parts)))


@dataclass
class Runs:
    """Repeats of each piece of the work."""

    decode: list[Run] = field(default_factory=list)
    encode: list[Run] = field(default_factory=list)
    plan: list[Run] = field(default_factory=list)
    embed: list[Run] = field(default_factory=list)

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
            _forget(pipeline.workspace)
            runs.plan.append(measured(lambda: pipeline.plan(SlideFile(slide, "bench", "slide"))))
            runs.embed.append(measured(lambda: pipeline.embed_slide(planned.event)))
    return Section(_title(planned, slide), _rows(runs, len(tiles)), _notes(runs, len(tiles)))


def _rows(runs: Runs, count: int) -> list[Row]:
    decode, encode = rates(runs.decode, count), rates(runs.encode, count)
    slower = _slower(runs, count)
    name = "encoder alone" if min(encode) < min(decode) else "decode alone"
    together = rates(runs.halves, count)
    rows = [Row("decode alone", "tiles/s", decode), Row("encoder alone", "tiles/s", encode)]
    for what, done in {"plan to bag": runs.embed, "slide file to bag": runs.whole}.items():
        ours = rates(done, count)
        cpu = ratios(cpu_rates(done, count), cpu_rates(runs.halves, count))
        rows.append(Row(f"pipeline, {what}", "tiles/s", ours, f"the slower one: {name}", slower))
        rows.append(Row(f"pipeline, {what}", "tiles/s", ours, "both on the same cores: 1/(1/d + 1/e)", together, cpu))
    return rows


def _notes(runs: Runs, count: int) -> list[str]:
    ours = rates(runs.whole, count)
    slower = median(ratios(ours, _slower(runs, count)))
    together = median(ratios(ours, rates(runs.halves, count)))
    planning = median(run.seconds for run in runs.plan)
    return [
        f"slide file to bag: {slower:.0%} of the slower one alone (goal 90 %), {together:.0%} of what both can do;",
        "without a GPU decoder and encoder share the cores: whatever decoding costs, the slower one alone keeps",
        f"planning, before the first tile, takes {planning:.2f} s of it",
    ]


def _slower(runs: Runs, count: int) -> list[float]:
    return [min(pair) for pair in zip(rates(runs.decode, count), rates(runs.encode, count), strict=True)]


def _title(planned: Planned, slide: Path) -> str:
    size = f"{len(planned.origins)} tiles of an Aperio slide of {slide.stat().st_size / 1e6:.0f} MB"
    return f"Pipeline in one process: {size}, {_cores()} cores for each, ONNX Runtime"


def _encode(encoder: OnnxEncoder, tiles: Rgb) -> None:
    for chunk in _chunks(tiles):
        encoder.embed(chunk)


def _chunks(items: NDArray[T]) -> list[NDArray[T]]:
    return [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]


def _forget(workspace: Workspace) -> None:
    for name in _DERIVED:
        shutil.rmtree(workspace.root / name, ignore_errors=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0))
