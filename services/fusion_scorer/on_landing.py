"""Handles what lands in the bucket or is removed: the cases that are to be scored again."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from medulla.v1.events_pb2 import CaseRescoreRequested, SlideRejected

from services.fusion_scorer.background import after_promotion
from services.fusion_scorer.case_index import CaseIndex, InputEntry
from services.fusion_scorer.case_reader import read_version
from services.fusion_scorer.case_sweep import CaseSweep
from services.fusion_scorer.changes import CaseChanges, request
from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.landed_input import LandedInput, landed_input
from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.refusal import SERVICE
from services.fusion_scorer.snapshot import TakeSnapshot
from shared import keys, model_keys, pseudonyms
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.events import event_id
from shared.bus.s3_events import ObjectHint
from shared.canonical import sha256
from shared.errors import GivenUpError, PermanentError
from shared.keys import BadCaseIdError
from shared.model.errors import BadBundleError
from shared.model.record import ReadRecord, parse_record
from shared.rescoring import BackgroundStop, RescoringRequest
from shared.sweep import Failed, ignored
from shared.times import stamp
from shared.units import CaseId


@dataclass(frozen=True)
class OnLanding:
    """Handles hints that an object was created or removed: slides, clinical records, vectors, the bundle pointer."""

    store: BlobStore
    index: CaseIndex
    changes: CaseChanges
    bundles: Bundles
    announce: Callable[[CaseRescoreRequested], None]
    """Publishes at once: for a case that is to be scored without a refused input, and for the sweep."""
    read_record: ReadRecord = parse_record

    def __call__(self, hint: ObjectHint) -> Iterable[CaseRescoreRequested | SlideRejected]:
        """Request the scores that the object changes; events of other objects are ignored.

        A version that was refused before, as when the sweep's announcement and the store's event cross, is reported
        again, and is no other dead letter.

        Raises:
            BadBundleError: the promoted bundle cannot be used.
            BadClinicalRecordError, BadVectorsError: the input is refused; what else the case has is scored without it.
            BadCaseIdError: the key of a record or vector names no case.
        """
        if hint.key == model_keys.CURRENT_BUNDLE:
            return () if self.store.head(hint.key) is None else self._promoted()
        if hint.key.startswith(keys.SLIDES):
            return self._slide(hint)
        landed = landed_input(hint.key)
        return self._input(landed, hint) if landed else ()

    def rejected(self, hint: ObjectHint, error: PermanentError) -> SlideRejected | None:
        """The event that tells people of a refused record or vector; None of other objects.

        It is without a case where the key names none. A version that was given up without an answer is remembered: no
        sweep starts it again.
        """
        info = self.store.head(hint.key)
        try:
            landed = landed_input(hint.key)
        except BadCaseIdError:
            return _rejection(hint.key, "", info, error)
        if landed is None:
            return None
        if info is not None and isinstance(error, GivenUpError):
            self.index.put_input(landed, _entry(info, info.sha256, error))
        return _rejection(hint.key, landed.case_id, info, error)

    def reported(self, refusal: SlideRejected) -> None:
        """Remember that a refusal has its dead letter: until then the version is refused with a letter again."""
        landed = landed_input(refusal.object_key) if refusal.case_id else None
        if landed is not None:
            self.index.note_letter(landed, refusal.object_etag, refusal.sentence)

    def unseen(self, info: BlobInfo) -> bool:
        """Whether an object is an input that was not looked at yet in this version."""
        try:
            landed = landed_input(info.key)
        except BadCaseIdError:
            return False
        return landed is not None and not self.index.has_input(landed, info)

    def unseen_inputs(self, failed: Failed = ignored) -> Iterator[BlobInfo]:
        """What the sweep of inputs looks for, by listings."""
        return CaseSweep(self.store).unseen_inputs(self.unseen, failed)

    def unseen_promotion(self, pointer: BlobInfo) -> bool:
        """Whether a promotion that can be used was not looked at yet: what the sweep of the pointer looks for."""
        return not self.index.has_promotion(pointer) and self._is_good()

    def sweep_cases(self, failed: Failed = ignored) -> int:
        """Request new scores of cases whose inputs changed without an event; returns their number.

        `failed` gets each case that could not be compared.
        """
        return self.changes.sweep(self.announce, failed)

    def _is_good(self) -> bool:
        """Whether the promoted bundle can be used; a bad one was reported when its event came."""
        try:
            self.bundles.promotion()
        except BadBundleError:
            return False
        return True

    def _promoted(self) -> Iterable[CaseRescoreRequested]:
        promoted = self.bundles.promotion()
        if not self.index.has_promotion(promoted.pointer):
            RescoringRequest(datetime.now(UTC), promoted.bundle.digest).put(self.store)
        self.index.put_promotion(promoted.pointer)
        BackgroundStop(self.store).lift()
        return list(after_promotion(promoted.bundle.digest, promoted.since, self.index.cases()))

    def _slide(self, hint: ObjectHint) -> Iterable[CaseRescoreRequested]:
        """A slide that landed is scored once it is embedded; one that is replaced or gone leaves the score at once."""
        case = hint.key.removeprefix(keys.SLIDES).partition("/")[0]
        if not pseudonyms.is_pseudonym(case):
            return ()
        if hint.removed and "slide_id" in keys.named_in(hint.key):
            self.index.note(CaseId(case))
            return self.changes.requests(CaseId(case))
        return self.changes.requests(CaseId(case)) if self.changes.outdated(CaseId(case)) else ()

    def _input(self, landed: LandedInput, hint: ObjectHint) -> Iterable[CaseRescoreRequested | SlideRejected]:
        case, info = landed.case_id, self.store.head(landed.key)
        if info is None:
            return self.changes.requests(case) if self.index.has_case(case) else ()
        data = read_version(self.store, info)
        requested = request(case, f"{info.key}@{info.etag}", info.last_modified)
        refusal = self._refusal(landed, data)
        entry = _entry(info, sha256(data), refusal)
        has_letter = self.index.has_letter(landed, entry)
        self.index.put_input(landed, replace(entry, reported=has_letter))
        if refusal is None:
            return (requested,)
        if self._has_more(landed):
            self.announce(requested)
        if has_letter and not hint.replayed:
            return (_rejection(landed.key, case, info, refusal),)
        raise refusal

    def _refusal(self, landed: LandedInput, data: bytes) -> PermanentError | None:
        """What the promoted bundle has against an input; nothing while no bundle is promoted.

        While it is loaded, vectors, whose blocks are its own, and records that the one before refuses wait for it.
        """
        try:
            promoted = self.bundles.promoted(waits=bool(landed.block))
            refusal = landed.refusal(data, promoted.bundle, self.read_record)
            if refusal is None or promoted.awaits is None:
                return refusal
            return landed.refusal(data, self.bundles.promoted(waits=True).bundle, self.read_record)
        except NoBundleError:
            return None

    def _has_more(self, landed: LandedInput) -> bool:
        """Whether the case has a slide, or a record or vector beside one that is refused."""
        case = landed.case_id
        if self.index.slides(case):
            return True
        others = (stored.key for stored in TakeSnapshot(self.store, self.index)(case).read)
        return any(key != landed.key and not self.index.refused(key) for key in others)


def _entry(info: BlobInfo, digest: str, refusal: PermanentError | None) -> InputEntry:
    rejected = None if refusal is None else str(refusal)
    return InputEntry(info.key, info.etag, digest, info.last_modified.isoformat(), rejected)


def _rejection(key: str, case: str, info: BlobInfo | None, error: PermanentError) -> SlideRejected:
    etag, landed = (info.etag, info.last_modified) if info else ("", datetime.fromtimestamp(0, UTC))
    return SlideRejected(
        event_id=event_id(SlideRejected, key, etag, error.reason),
        case_id=case,
        object_key=key,
        object_etag=etag,
        service=SERVICE,
        reason=error.reason,
        sentence=str(error),
        advice=error.advice,
        as_of=stamp(landed),
    )
