"""A slide lands: plan it once, remember what came of it, say so."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from medulla.v1.events_pb2 import STAGE_DOWNLOADING, STAGE_PLANNING, Progress, SlideRejected, SlideTiled

from services.tiler import messages
from services.tiler.errors import NoTissueError, OutOfDiskError, SlideError, SlideTooLargeError, remembered
from services.tiler.landings import Landings, slide_at
from services.tiler.plan_store import PlanStore
from services.tiler.planner import PlanSpec, plan, plan_digest
from services.tiler.ports import LocalSlide, SlideFiles, SlideReader
from services.tiler.readers import OpenSlide, open_slide
from services.tiler.resolution import MppTable, Override
from shared import keys, logs, metrics
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.bus.s3_events import ObjectHint
from shared.errors import PermanentError, TransientError
from shared.keys import BadCaseIdError, SlideKey
from shared.units import Sha256

_OF_THE_MOMENT = (OutOfDiskError, SlideTooLargeError)
"""Refusals that depend on the machine, not on the slide: never remembered."""
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class SlideLanded:
    """One version of a slide's object, as HEAD described it."""

    key: str
    info: BlobInfo

    @property
    def slide(self) -> SlideKey:
        """Whose slide it is; raises BadCaseIdError."""
        slide = keys.slide_key(self.key)
        if slide is None:
            raise BadCaseIdError(f"object {self.key!r} is a companion file, not a slide")
        return slide


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
            ObjectChangedError: it was overwritten or deleted meanwhile.
        """
        self.tell(messages.progress(landed.slide, landed.info, STAGE_DOWNLOADING))
        with self.files.hold(landed.info) as local:
            self.tell(messages.progress(landed.slide, landed.info, STAGE_PLANNING))
            digest = self._planned(local, self.mpp.of(landed.slide.case_id, landed.slide.slide_id))
        self._check_unchanged(landed.info)
        described = self.plans.described(local.digest, digest)
        if described is None:
            raise ObjectChangedError(f"the plan of {landed.key} was removed as soon as it was written")
        slide = messages.slide_message(landed.slide, landed.info, local.digest)
        return messages.slide_tiled(slide, described)

    def _planned(self, local: LocalSlide, override: Override) -> Sha256:
        """Make the plan unless it stands; its digest."""
        with self.open_slide(local.path, override) as reader:
            digest = plan_digest(local.digest, reader.describe(), self.spec)
            if self.plans.described(local.digest, digest) is None:
                self._plan(reader, local.digest)
        return digest

    def _plan(self, reader: SlideReader, slide_digest: Sha256) -> None:
        made = plan(reader, self.spec, slide_digest)
        if not len(made.coords):
            sentence = "no tile of the slide shows enough clean, sharp tissue"
            raise NoTissueError(sentence, self.plans.save_thumbnail(made))
        self.plans.save(made)
        for status, count in made.counts.items():
            metrics.TILES.labels(status).inc(count)

    def _check_unchanged(self, info: BlobInfo) -> None:
        now = self.blobs.head(info.key)
        if now is None or now.etag != info.etag:
            change = "deleted" if now is None else "overwritten"
            raise ObjectChangedError(f"object {info.key} was {change} while it was planned")


@dataclass(frozen=True)
class OnLanding:
    """Handles hints that an object landed; what is no slide, or gone, or done, is let go by."""

    blobs: BlobStore
    plan_tiles: PlanTiles
    landings: Landings

    def __call__(self, hint: ObjectHint) -> Iterable[SlideTiled]:
        """Plan the slide that the hint is about, or say again what came of it.

        Raises:
            PermanentError: the slide, or its key, is refused.
        """
        slide = slide_at(hint.key)
        if slide is None:
            return ()
        info = self.blobs.head(hint.key)
        if info is None:
            _log.info("object is gone before it was worked on")
            return ()
        return (self._outcome(slide, info),)

    def rejected(self, hint: ObjectHint, error: PermanentError) -> SlideRejected | None:
        """The event that tells people of a refusal; None where the key names no case."""
        try:
            slide = slide_at(hint.key)
        except BadCaseIdError:
            return None
        return messages.slide_rejected(slide, hint.key, self._seen(hint.key), error) if slide else None

    def unseen(self, info: BlobInfo) -> bool:
        """Whether an object is a slide that nothing came of yet: what the sweep looks for."""
        return self.landings.lacks(info, self.plan_tiles.mpp)

    def _outcome(self, slide: SlideKey, info: BlobInfo) -> SlideTiled:
        override = self._override(slide)
        known = self.landings.recall(info, override)
        if isinstance(known, SlideRejected):
            raise remembered(known.reason, known.sentence, known.thumbnail_key)
        if known is not None:
            return known
        try:
            with metrics.SLIDES_IN_FLIGHT.labels(messages.SERVICE).track_inprogress():
                outcome = self.plan_tiles(SlideLanded(info.key, info))
        except SlideError as error:
            if not isinstance(error, _OF_THE_MOMENT):
                self.landings.remember(info, override, messages.slide_rejected(slide, info.key, info, error))
            raise
        self.landings.remember(info, override, outcome)
        _log.info("planned", plan=outcome.plan.digest, tiles=outcome.plan.tiles)
        return outcome

    def _override(self, slide: SlideKey) -> Override:
        return self.plan_tiles.mpp.of(slide.case_id, slide.slide_id)

    def _seen(self, key: str) -> BlobInfo | None:
        try:
            return self.blobs.head(key)
        except TransientError:
            return None
