"""Tiler and embedder in this process: the handlers of the services, with pixels passed in memory."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.events_pb2 import Progress, SlideEmbedded, SlideTiled

from services.embedder.batcher import Batcher, Batching
from services.embedder.encoder_trial import EncoderTrial
from services.embedder.handler import EmbedSlide
from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.ports import Encoder, Pixels
from services.standalone.encoder_grid import grid_of
from services.standalone.local_slides import SlideFile
from services.standalone.pipeline_options import Options
from services.standalone.workspace import Workspace
from services.tiler.chunks import StreamChunks
from services.tiler.grid import GridSpec
from services.tiler.handler import PlanTiles, SlideLanded
from services.tiler.in_place import SlidesInPlace
from services.tiler.isolation import IsolatedReaders, isolated_readers
from services.tiler.plan_store import PlanStore
from services.tiler.planner import PlanSpec
from services.tiler.readers import OpenSlide
from services.tiler.resolution import MppTable
from shared.keys import SlideKey
from shared.units import CaseId, SlideId

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class TilesInProcess:
    """The tiler's stream as the embedder's source, without a network."""

    stream: StreamChunks

    def chunks(self, slide: Slide, plan: Plan, first_chunk: int) -> Iterator[Pixels]:
        """Yield a plan's chunks from `first_chunk` on."""
        for chunk in self.stream(slide, plan, first_chunk):
            yield Pixels(chunk.index, chunk.pixels, chunk.tiles, chunk.corrupt)


@dataclass(frozen=True)
class Pipeline:
    """A slide file in, its bag out, inside one workspace."""

    workspace: Workspace
    plan_tiles: PlanTiles
    embed_slide: EmbedSlide
    open_slide: IsolatedReaders
    interrupt: Callable[[], None]
    """Cuts off all work on slides; what is stored by then is found again."""

    def plan(self, slide: SlideFile) -> SlideTiled:
        """Link a slide into the workspace and plan it; raises PermanentError if it is refused."""
        named = SlideKey(CaseId(slide.case_id), SlideId(slide.slide_id))
        return self.plan_tiles(SlideLanded(named, self.workspace.link(slide)))

    def embed(self, slide: SlideFile) -> SlideEmbedded:
        """Plan and embed a slide; finished work is reused."""
        return self.embed_slide(self.plan(slide))


def _planner(
    workspace: Workspace, grid: GridSpec, options: Options, open_slide: OpenSlide, on_progress: OnProgress
) -> PlanTiles:
    """The tiler's planning handler on a workspace."""
    store = workspace.store
    files = SlidesInPlace(workspace.root)
    mpp = MppTable(options.slide_mpp, options.default_mpp)
    return PlanTiles(store, files, PlanStore(store), PlanSpec(grid=grid), mpp, open_slide, on_progress)


@contextmanager
def open_pipeline(
    workspace: Workspace, options: Options, on_progress: OnProgress = lambda _: None
) -> Iterator[Pipeline]:
    """Load the encoder and start the threads; raises UnknownEncoderError if the folder holds none that runs."""
    EncoderTrial()(options.encoder)
    encoder = OnnxEncoder(options.encoder)
    batching = Batching(size=encoder.batch, in_flight=2, device=encoder.device)
    with pipeline_around(encoder, batching, workspace, options, on_progress) as pipeline:
        yield pipeline


@contextmanager
def pipeline_around(
    encoder: Encoder, batching: Batching, workspace: Workspace, options: Options, on_progress: OnProgress
) -> Iterator[Pipeline]:
    """Start the threads around an encoder."""
    grid = grid_of(encoder.manifest)
    with (
        ThreadPoolExecutor(options.workers) as pool,
        Batcher(encoder, batching) as batcher,
        isolated_readers() as open_slide,
    ):

        def interrupt() -> None:
            open_slide.host.close()
            batcher.abandon()

        plan_tiles = _planner(workspace, grid, options, open_slide.for_plans, on_progress)
        tiles = TilesInProcess(StreamChunks(plan_tiles.files, plan_tiles.plans, pool, open_slide))
        embed_slide = EmbedSlide(tiles, batcher, workspace.store, on_progress)
        yield Pipeline(workspace, plan_tiles, embed_slide, open_slide, interrupt)
