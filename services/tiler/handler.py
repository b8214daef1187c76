"""Plans a landed slide once and reports the outcome."""

from collections.abc import Callable
from dataclasses import dataclass, field

from medulla.v1.common_pb2 import Slide
from medulla.v1.events_pb2 import STAGE_DOWNLOADING, STAGE_PLANNING, Progress, SlideTiled

from services.tiler import messages
from services.tiler.errors import NoTissueError
from services.tiler.plan_store import PlanStore
from services.tiler.planner import PlanSpec, plan, plan_digest
from services.tiler.ports import LocalSlide, SlideFiles, SlideReader
from services.tiler.readers import OpenSlide, open_slide
from services.tiler.resolution import MppTable
from shared import keys, metrics
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.canonical import canonical_json
from shared.errors import PermanentError, TransientError
from shared.keys import SlideKey
from shared.slides.standing import CHECK_EVERY_S, change_of, check_stands, ended_if_changed
from shared.units import CaseId, Sha256, SlideId


@dataclass(frozen=True, slots=True)
class SlideLanded:
    """One version of a slide: its files as HEAD described them, the primary file first."""

    slide: SlideKey
    files: tuple[BlobInfo, ...]


def _silent(_: Progress) -> None:
    """Ignore progress."""


@dataclass(frozen=True)
class PlanTiles:
    """One landed slide in, one tile plan out; running it twice writes the same objects."""

    blobs: BlobStore
    files: SlideFiles
    plans: PlanStore
    spec: PlanSpec
    mpp: MppTable = field(default_factory=MppTable)
    open_slide: OpenSlide = open_slide
    on_progress: Callable[[Progress], None] = _silent
    check_every_s: float = CHECK_EVERY_S
    """Time between two checks that the slide is still in the bucket."""

    def __call__(self, landed: SlideLanded) -> SlideTiled:
        """Plan the slide.

        Raises:
            SlideError: it is refused.
            ObjectChangedError: the bytes of a file do not match its checksum, or an erasure removed the plan.
            TransientError: a file of it was overwritten or deleted meanwhile; the next attempt finds the new version.
        """
        try:
            return self._tiled(landed)
        except PermanentError as error:
            versions = {file.key: file.etag for file in landed.files}
            if change := change_of(self.blobs, landed.slide.case_id, versions):
                raise TransientError(change) from error
            raise

    def _tiled(self, landed: SlideLanded) -> SlideTiled:
        self.on_progress(messages.progress(landed.slide, landed.files, STAGE_DOWNLOADING))
        with self.files.hold(landed.files) as local:
            self.on_progress(messages.progress(landed.slide, landed.files, STAGE_PLANNING))
            slide = messages.slide_message(landed.slide, landed.files, local.digest)
            digest = self._planned(local, slide)
        check_stands(self.blobs, slide)
        described = self.plans.described(local.digest, digest)
        if described is None:
            raise ObjectChangedError(f"the plan of {landed.files[0].key} was removed as soon as it was written")
        return messages.slide_tiled(slide, described)

    def _planned(self, local: LocalSlide, slide: Slide) -> Sha256:
        """Create the plan unless it exists; returns its digest.

        The case names the slide before and after: erasing it finds a plan whose tiler was killed, or was at work. Its
        erasure is looked for after the first name and before the first object, so an erasure that comes later finds
        the name, however late the plan is written.
        """
        case = CaseId(slide.case_id)
        self._name(case, local.digest)
        with (
            self.open_slide(local.path, self.mpp.of(case, SlideId(slide.slide_id))) as reader,
            ended_if_changed(self.blobs, slide, reader.close, self.check_every_s),
        ):
            digest = plan_digest(local.digest, reader.describe(), self.spec)
            if self.plans.described(local.digest, digest) is None:
                try:
                    self._plan(reader, slide)
                finally:
                    self._name(case, local.digest)
        return digest

    def _name(self, case: CaseId, slide: Sha256) -> None:
        plans, *_ = keys.derived(slide)
        self.blobs.put_new(keys.landed_slide(case, slide), canonical_json({"plans": plans}))
        self.blobs.put_new(keys.case_of(slide, case), b"{}")

    def _plan(self, reader: SlideReader, slide: Slide) -> None:
        tile_plan = plan(reader, self.spec, Sha256(slide.digest))
        check_stands(self.blobs, slide)
        if not len(tile_plan.coords):
            sentence = "no tile of the slide shows enough clean, sharp tissue"
            raise NoTissueError(sentence, self.plans.save_thumbnail(tile_plan))
        self.plans.save(tile_plan)
        for status, count in tile_plan.counts.items():
            metrics.TILES.labels(status).inc(count)
