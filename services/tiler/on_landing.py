"""Handles events about objects: finds the slide of an object, then plans or refuses it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from medulla.v1.events_pb2 import STAGE_WAITING, SlideRejected, SlideTiled

from services.tiler import messages
from services.tiler.errors import OutOfDiskError, SlideError, SlideTooLargeError, UnreportedRefusalError, incomplete
from services.tiler.handler import PlanTiles, SlideLanded
from services.tiler.landings import Landings, Unreported
from services.tiler.named_locks import NamedLocks
from services.tiler.resolution import Override
from services.tiler.settling import Settling, UnsettledSlideError
from shared import keys, logs, metrics, pseudonyms, turns
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.s3_events import ObjectHint
from shared.errors import GivenUpError, PermanentError, TransientError, UnfinishedError
from shared.keys import BadCaseIdError, SlideKey
from shared.slides.listing import FoundSlide, SlideListing
from shared.units import CaseId, Sha256, SlideId

_OF_THE_MOMENT = (OutOfDiskError, SlideTooLargeError)
"""Refusals that depend on the machine, not on the slide; never stored."""
_UNREPORTED = 1000
"""Most refusals that wait for their dead letter; each is one at work, or one whose letter was dropped."""
_NAMELESS = SlideKey(CaseId(""), SlideId(""))
_log = logs.get(__name__)


@dataclass(frozen=True)
class OnLanding:
    """Handles hints that an object was created or removed; ignores objects that are no slide or are done."""

    blobs: BlobStore
    plan_tiles: PlanTiles
    landings: Landings
    listing: SlideListing
    settling: Settling = field(default_factory=Settling)
    locks: NamedLocks = field(default_factory=NamedLocks)
    """Events about files of one slide arrive together: the first does the work, the others find it done."""
    refused: set[str] = field(default_factory=set)
    """Event ids of refusals of the moment that this process reported: each is one dead letter."""
    unreported: dict[str, Unreported] = field(default_factory=dict)
    """Refusals whose dead letter is not on the bus yet, by the key under which they are stored once the bus has it."""
    long: set[str] = field(default_factory=set)
    """Versions whose first turn has ended without a plan."""

    def __call__(self, hint: ObjectHint) -> Iterable[SlideTiled | SlideRejected]:
        """Plan the slide of the object, or repeat the stored outcome: a version that is refused is one dead letter.

        Raises:
            PermanentError: the slide, or its key, is refused.
            UnsettledSlideError: more files of the slide may still come.
            UnreportedRefusalError: the version was refused a moment ago.
        """
        case = case_of(hint.key)
        if case is None:
            return ()
        slides = self.listing.of_case(keys.slides(case))
        slide = next((slide for slide in slides if _includes(slide, hint.key)), None)
        if slide is not None:
            return self._outcome(case, slide, hint)
        if self.blobs.head(hint.key) is not None:
            return ()
        _log.info("object is gone")
        return [event for slide in slides if _is_several(slide) for event in self._after_removal(case, slide, hint)]

    def may_crash(self, hint: ObjectHint) -> bool:
        """Whether the slide of an object is decoded: not where the stored outcome of its version is repeated."""
        try:
            case, slide = case_of(hint.key), self._slide_with(hint.key)
        except BadCaseIdError:
            return False
        if case is None or slide is None or hint.replayed:
            return case is not None
        return not self.landings.has_outcome(slide, self._override(SlideKey(case, slide.slide_id)))

    def is_planned(self, hint: ObjectHint) -> bool:
        """Whether the slide of an object has a stored plan."""
        try:
            case, slide = case_of(hint.key), self._slide_with(hint.key)
        except BadCaseIdError:
            return False
        if case is None or slide is None:
            return False
        return isinstance(self.landings.recall(slide, self._override(SlideKey(case, slide.slide_id))), SlideTiled)

    def rejected(self, hint: ObjectHint, error: PermanentError) -> SlideRejected | None:
        """The event that notifies people of a refusal, without a case if the key names none; None for no slide."""
        try:
            case, slide = case_of(hint.key), self._slide_with(hint.key)
        except BadCaseIdError:
            return messages.slide_rejected(_NAMELESS, hint.key, self._head(hint.key), error)
        if case is None:
            return None
        if slide is not None:
            return self._refused(SlideKey(case, slide.slide_id), slide, error)
        named = keys.slide_key(hint.key)
        return messages.slide_rejected(named, hint.key, None, error) if named else None

    def reported(self, refusal: SlideRejected) -> None:
        """Store a refusal that has its dead letter: later events repeat it, and sweeps skip it.

        If the process dies before, the version is tried again.
        """
        for key, unreported in list(self.unreported.items()):
            if unreported.event.event_id == refusal.event_id:
                self._remember(unreported)
                self.unreported.pop(key, None)

    def _remember(self, refusal: Unreported) -> None:
        if refusal.is_stored:
            self.landings.remember(refusal.slide, refusal.override, refusal.event)
        else:
            self.refused.add(refusal.event.event_id)

    def _head(self, key: str) -> BlobInfo | None:
        try:
            return self.blobs.head(key)
        except TransientError:
            return None

    def _refused(self, named: SlideKey, slide: FoundSlide, error: PermanentError) -> SlideRejected:
        refusal = _rejection(named, slide, error)
        if isinstance(error, GivenUpError):
            self._await_letter(refusal, named, slide)
        return refusal

    def _await_letter(
        self, refusal: SlideRejected, named: SlideKey, slide: FoundSlide, *, is_stored: bool = True
    ) -> None:
        for key in list(self.unreported)[: 1 - _UNREPORTED]:
            self.unreported.pop(key, None)
        override = self._override(named)
        self.unreported[self.landings.key(slide, override)] = Unreported(slide, override, refusal, is_stored)

    def _after_removal(self, case: CaseId, slide: FoundSlide, hint: ObjectHint) -> Sequence[SlideTiled | SlideRejected]:
        """The outcome of a slide of several files that may have lost one; empty if this version is known."""
        if self.landings.has_outcome(slide, self.plan_tiles.mpp.of(case, slide.slide_id)):
            return ()
        try:
            return self._outcome(case, slide, replace(hint, key=slide.files[0].key))
        except SlideError as error:
            refusal = _rejection(SlideKey(case, slide.slide_id), slide, error)
            self.reported(refusal)
            return [refusal]

    def _outcome(self, case: CaseId, slide: FoundSlide, hint: ObjectHint) -> Sequence[SlideTiled | SlideRejected]:
        named = SlideKey(case, slide.slide_id)
        with self.locks(f"{case}/{slide.slide_id}"):
            self._check_unreported(named, slide, hint)
            known = self.landings.recall(slide, self._override(named))
            if isinstance(known, SlideRejected) and not hint.replayed:
                return (known,)
            if not isinstance(known, SlideTiled):
                if _is_several(slide) and self._is_superseded(named, slide, hint):
                    return ()
                return (self._planned(named, slide, hint),)
            self._mark_held(known)
            return (known,)

    def _check_unreported(self, named: SlideKey, slide: FoundSlide, hint: ObjectHint) -> None:
        """Let an event wait until it is certain that the refusal of its version has a dead letter.

        Raises:
            UnreportedRefusalError: it is not.
        """
        unreported = self.unreported.get(self.landings.key(slide, self._override(named)))
        if unreported is not None and unreported.is_awaited and not hint.replayed:
            raise UnreportedRefusalError(
                "another event of the slide was refused, and its dead letter is not on the bus yet"
            )

    def _mark_held(self, planned: SlideTiled) -> None:
        """Record that the case holds a slide that was planned before, so that erasing another case with it keeps its
        plan and parts."""
        self.blobs.put_new(keys.case_of(Sha256(planned.slide.digest), CaseId(planned.slide.case_id)), b"{}")

    def _is_superseded(self, named: SlideKey, slide: FoundSlide, hint: ObjectHint) -> bool:
        try:
            return self.settling.is_superseded(slide, hint.key)
        except UnsettledSlideError:
            self.plan_tiles.on_progress(messages.progress(named, slide.files, STAGE_WAITING))
            raise

    def _planned(self, named: SlideKey, slide: FoundSlide, hint: ObjectHint) -> SlideTiled | SlideRejected:
        try:
            with metrics.SLIDES_IN_FLIGHT.labels(messages.SERVICE).track_inprogress(), self._one_first_turn(slide):
                if not slide.is_complete:
                    raise incomplete(slide)
                outcome = self.plan_tiles(SlideLanded(named, tuple(map(self._described, slide.files))))
        except (SlideError, GivenUpError) as error:
            self._check_unreported(named, slide, hint)
            refusal = _rejection(named, slide, error)
            if known := self._known_meanwhile(refusal, named, slide, hint):
                return known
            if isinstance(error, SlideError):  # other work is refused once its attempts are used up
                self._await_letter(refusal, named, slide, is_stored=not isinstance(error, _OF_THE_MOMENT))
            raise
        self.landings.remember(slide, self._override(named), outcome)
        self.unreported.pop(self.landings.key(slide, self._override(named)), None)
        _log.info("planned", plan=outcome.plan.digest, tiles=outcome.plan.tiles)
        return outcome

    @contextmanager
    def _one_first_turn(self, slide: FoundSlide) -> Iterator[None]:
        """Give a version one first turn: its other events start with a later one."""
        version, turn = f"{slide.files[0].key} {slide.version}", turns.current()
        if turn is not None and turn.number == 0 and version in self.long:
            raise UnfinishedError("the plan of the slide takes long")
        try:
            yield
        except UnfinishedError:
            self.long.add(version)
            raise
        self.long.discard(version)

    def _known_meanwhile(
        self, refusal: SlideRejected, named: SlideKey, slide: FoundSlide, hint: ObjectHint
    ) -> SlideTiled | SlideRejected | None:
        """The plan that another event of a refused version got, or the refusal where a dead letter tells of it: of an
        earlier moment, or as another event gave the version up."""
        known = self.landings.recall(slide, self._override(named))
        if isinstance(known, SlideTiled):
            self._mark_held(known)
            return known
        has_letter = known is not None or refusal.event_id in self.refused
        return refusal if has_letter and not hint.replayed else None

    def _override(self, named: SlideKey) -> Override:
        return self.plan_tiles.mpp.of(named.case_id, named.slide_id)

    def _described(self, listed: BlobInfo) -> BlobInfo:
        """HEAD of an object, which has more fields than a listing."""
        info = self.blobs.head(listed.key)
        if info is None or info.etag != listed.etag:
            raise TransientError("an object changed while it was looked at")
        return info

    def _slide_with(self, key: str) -> FoundSlide | None:
        case = case_of(key)
        try:
            slides = self.listing.of_case(keys.slides(case)) if case else []
        except TransientError:
            return None
        return next((slide for slide in slides if _includes(slide, key)), None)


def case_of(key: str) -> CaseId | None:
    """The case that an object below `slides/` belongs to; None for folder markers and other keys.

    Raises:
        BadCaseIdError: the case's id is no pseudonym, or the key has no case.
    """
    if not key.startswith(keys.SLIDES) or key.endswith("/"):
        return None
    slide = keys.slide_key(key)
    if slide is not None:
        return slide.case_id
    case = key.removeprefix(keys.SLIDES).partition("/")[0]
    return CaseId(case) if pseudonyms.is_pseudonym(case) else None


def _includes(slide: FoundSlide, key: str) -> bool:
    return any(member.key == key for member in slide.members)


def _is_several(slide: FoundSlide) -> bool:
    """Whether more files of the slide may follow or be missing."""
    return slide.is_series or len(slide.members) > 1 or bool(slide.missing)


def _rejection(named: SlideKey, slide: FoundSlide, error: PermanentError) -> SlideRejected:
    return messages.slide_rejected(named, slide.files[0].key, slide.files[0], error)
