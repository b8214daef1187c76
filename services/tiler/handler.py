"""A slide lands: plan it once, remember what came of it, say so."""

from collections.abc import Callable
from dataclasses import dataclass, field

from medulla.v1.events_pb2 import STAGE_DOWNLOADING, STAGE_PLANNING, Progress, SlideTiled

from services.tiler import messages
from services.tiler.errors import NoTissueError
from services.tiler.plan_store import PlanStore
from services.tiler.planner import PlanSpec, plan, plan_digest
from services.tiler.ports import LocalSlide, SlideFiles, SlideReader
from services.tiler.readers import OpenSlide, open_slide
from services.tiler.resolution import MppTable, Override
from shared import keys, metrics
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.errors import PermanentError, TransientError
from shared.keys import SlideKey
from shared.units import Sha256


@dataclass(frozen=True, slots=True)
class SlideLanded:
    """One version of a slide: its files, as HEAD described them, the first one standing for it."""

    slide: SlideKey
    files: tuple[BlobInfo, ...]


def _silent(_: Progress) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class PlanTiles:
    """One landed slide in, one tile plan out; running it twice writes the same objects."""

    blobs: BlobStore
    files: SlideFiles
    plans: PlanStore
    spec: PlanSpec
    mpp: MppTable = field(default_factory=MppTable)
    open_slide: OpenSlide = open_slide
    tell: Callable[[Progress], None] = _silent

    def __call__(self, landed: SlideLanded) -> SlideTiled:
        """Plan the slide.

        Raises:
            SlideError: it is refused, for good.
            ObjectChangedError: the bytes of a file do not match its checksum, or an erasure removed the plan.
            TransientError: a file of it was overwritten or deleted meanwhile; the next attempt sees what stands then.
        """
        try:
            tiled = self._tiled(landed)
        except PermanentError:
            self._check_unchanged(landed)
            raise
        self._check_unchanged(landed)
        return tiled

    def _tiled(self, landed: SlideLanded) -> SlideTiled:
        self.tell(messages.progress(landed.slide, landed.files, STAGE_DOWNLOADING))
        with self.files.hold(landed.files) as local:
            self.tell(messages.progress(landed.slide, landed.files, STAGE_PLANNING))
            digest = self._planned(local, self.mpp.of(landed.slide.case_id, landed.slide.slide_id))
        described = self.plans.described(local.digest, digest)
        if described is None:
            raise ObjectChangedError(f"the plan of {landed.files[0].key} was removed as soon as it was written")
        slide = messages.slide_message(landed.slide, landed.files, local.digest)
        return messages.slide_tiled(slide, described)

    def _planned(self, local: LocalSlide, override: Override) -> Sha256:
        """Make the plan unless it stands; its digest."""
        with self.open_slide(local.path, override) as reader:
            digest = plan_digest(local.digest, reader.describe(), self.spec)
            if self.plans.described(local.digest, digest) is None:
                self._plan(reader, local.digest)
        return digest

    def _plan(self, reader: SlideReader, slide_digest: Sha256) -> None:
        tile_plan = plan(reader, self.spec, slide_digest)
        if not len(tile_plan.coords):
            sentence = "no tile of the slide shows enough clean, sharp tissue"
            raise NoTissueError(sentence, self.plans.save_thumbnail(tile_plan))
        self.plans.save(tile_plan)
        for status, count in tile_plan.counts.items():
            metrics.TILES.labels(status).inc(count)

    def _check_unchanged(self, landed: SlideLanded) -> None:
        now = {info.key: info.etag for info in self.blobs.list(keys.slides(landed.slide.case_id))}
        for file in landed.files:
            if now.get(file.key) != file.etag:
                change = "overwritten" if file.key in now else "deleted"
                raise TransientError(f"object {file.key} was {change} while it was planned")
