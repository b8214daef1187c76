"""Scores a stored case with the promoted bundle and keeps the score; asked twice, it writes the same bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from secrets import token_hex

from google.protobuf.json_format import MessageToJson, Parse
from medulla.v1.common_pb2 import StoredObject
from medulla.v1.events_pb2 import CaseScored
from medulla.v1.scorer_pb2 import LeftOutSlide, Score

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.case_reader import CaseReader, RefusedInput, StoredCase
from services.fusion_scorer.case_record import CaseRecord, RecordedScore, RecordedState, RecordedStates
from services.fusion_scorer.encoder_bags import encoder_of
from services.fusion_scorer.errors import EncoderAwaitedError, MovedMeanwhileError, NothingToScoreError
from services.fusion_scorer.promoted import Bundles, Promoted
from services.fusion_scorer.score import Scored, score
from services.fusion_scorer.score_json import to_bytes
from services.fusion_scorer.snapshot import CaseSnapshot, TakeSnapshot
from services.fusion_scorer.watching import Sites, count
from shared import keys, metrics
from shared.blob import stored_object
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.events import event_id
from shared.canonical import digest_of, sha256
from shared.errors import PermanentError, TransientError
from shared.model.record import ClinicalRecord, ReadRecord, parse_record
from shared.times import stamp
from shared.units import CaseId, Sha256

_EPOCH = datetime.fromtimestamp(0, UTC)
_LOOKS = 5
"""How often a case that changes while it is scored is scored again at once."""
_PROCESS = token_hex(8)
"""Stands for a way to read records that is not the usual one, and may be another in the next run."""
NOTHING_LEFT = "All slides, records and vectors of the case were deleted."
NOTHING_USABLE = "Nothing that is left of the case can be used yet."


def _left_alone(_: BlobInfo) -> None:
    """For stores of one case, whose slides are embedded with every score."""


def _asks_nothing(*_: object) -> None:
    """For programs that load the promoted bundle before they score."""


@dataclass(frozen=True)
class ScoreCase:
    """One case in, one stored score out, or a withdrawal; a case that did not change keeps its score unread."""

    store: BlobStore
    bundles: Bundles
    program_version: str
    sites: Sites = field(default_factory=Sites)
    left_out: tuple[LeftOutSlide, ...] = ()
    """Slides of the one case at hand that never came into the store."""
    embed_again: Callable[[BlobInfo], None] = _left_alone
    """Announces the file of a slide whose entry in the index is damaged."""
    score_again: Callable[[CaseId, Sha256, datetime], None] = _asks_nothing
    """Requests a score by the bundle that was promoted at a time, for a case scored by the one before meanwhile."""
    read_record: ReadRecord = parse_record

    def __call__(self, case: CaseId, promotion: Sha256 | None = None) -> CaseScored:
        """Score the case as it stands; see `case_record` for how an older state is kept from being published last.

        `promotion` is the digest of the bundle whose promotion asks for it.

        Raises:
            NoBundleError: none is promoted.
            NothingToScoreError: nothing of the case is stored, and nothing of it was ever seen.
            BadClinicalRecordError, BadVectorsError: what the bundle refuses is all that there ever was of it.
            BadSlideError: a bag cannot be used, or was made by another encoder than the bundle's.
            EncoderAwaitedError: the bundle of `promotion` reads bags that are still to come.
            MovedMeanwhileError: the case changes faster than it can be scored.
        """
        known = CaseRecord(self.store).states(case)
        if self._is_of_another_model(known.last, promotion) and (event := self._score_once(case, known, promotion)):
            return event
        return self._score_until_it_stands(case, known, promotion)

    def _is_of_another_model(self, last: RecordedState | None, promotion: Sha256 | None) -> bool:
        """Whether the last score was made by another bundle or program, so that it is outdated whatever the inputs."""
        if last is None or last.score is None or not last.model:
            return False
        return last.model != self._model(promotion or self._promoted(last, promotion).bundle.digest)

    def _promoted(self, last: RecordedState | None, promotion: Sha256 | None) -> Promoted:
        """The bundle to score by; a promotion's request waits until it is loaded, and a case that it has scored."""
        promoted = self.bundles.promoted(waits=promotion is not None)
        if promoted.awaits and last is not None and last.model == self._model(promoted.awaits):
            return self.bundles.promoted(waits=True)
        return promoted

    def _score_once(self, case: CaseId, known: RecordedStates, promotion: Sha256 | None) -> CaseScored | None:
        """Score the case under a revision that is reserved before it is read; None where an input is of the future."""
        record = CaseRecord(self.store)
        with record.reserved(case, known) as reservation:
            promoted = self._promoted(known.last, promotion)
            snapshot = self._look(case, promoted, promotion)
            outcome = self._outcome(promoted, snapshot)
            if not reservation.covers(outcome.as_of):
                return None
            recorded = record.fill(case, reservation, self._state(promoted, snapshot, outcome))
        return self._event(case, promoted, outcome, recorded)

    def _score_until_it_stands(self, case: CaseId, known: RecordedStates, promotion: Sha256 | None) -> CaseScored:
        """Score the case, and again if it changed meanwhile."""
        for _ in range(_LOOKS):
            promoted = self._promoted(known.last, promotion)
            snapshot = self._look(case, promoted, promotion)
            if unchanged := self._unchanged(promoted, snapshot, known.last):
                self._ask_again(case, promoted)
                return unchanged
            outcome = self._outcome(promoted, snapshot)
            state = self._state(promoted, snapshot, outcome)
            recorded = CaseRecord(self.store).record(case, state, outcome.as_of, known)
            if (self.bundles.promoted().pointer, self._look(case, promoted)) == (promoted.pointer, snapshot):
                return self._event(case, promoted, outcome, recorded)
            known = CaseRecord(self.store).states(case)
        raise MovedMeanwhileError(f"case {case} changes while it is scored")

    def _event(
        self, case: CaseId, promoted: Promoted, outcome: "_StoredScore | _Withdrawal", recorded: RecordedState
    ) -> CaseScored:
        """Count an outcome that is recorded, and ask for one by the promoted bundle where that was still loaded."""
        outcome.count(self.sites)
        self._ask_again(case, promoted)
        return outcome.event(recorded)

    def _ask_again(self, case: CaseId, promoted: Promoted) -> None:
        if promoted.awaits:
            self.score_again(case, promoted.awaits, promoted.pointer.last_modified)

    def _unchanged(self, promoted: Promoted, snapshot: CaseSnapshot, last: RecordedState | None) -> CaseScored | None:
        """The event of the case's last state, where that was made from exactly this; else None.

        If the case changes now, the score of that change has the state's revision or a greater one.
        """
        if last is None or last.score is None or snapshot.damaged:
            return None
        if last.score.basis != self._basis(promoted, snapshot):
            return None
        event = Parse(last.score.announcement, CaseScored(), ignore_unknown_fields=True)
        metrics.SCORES_UNCHANGED.inc()
        return _of_revision(event, last) if self.store.head(event.score_key) else None

    def _state(
        self, promoted: Promoted, snapshot: CaseSnapshot, outcome: "_StoredScore | _Withdrawal"
    ) -> RecordedState:
        score, model = outcome.recorded(self._basis(promoted, snapshot)), self._model(promoted.bundle.digest)
        return RecordedState("", outcome.state(snapshot), frozenset(snapshot.seen), score, model)

    def _basis(self, promoted: Promoted, snapshot: CaseSnapshot) -> Sha256:
        """Digest of everything that the score of a case depends on."""
        return digest_of([self._model(promoted.bundle.digest), snapshot.digest])

    def _model(self, bundle: Sha256) -> Sha256:
        """Digest of what the score of a case depends on beside the case."""
        left_out = [slide.SerializeToString(deterministic=True).hex() for slide in self.left_out]
        reading = "" if self.read_record is parse_record else _PROCESS
        return digest_of([bundle, self.program_version, left_out, reading])

    def _look(self, case: CaseId, promoted: Promoted, promotion: Sha256 | None = None) -> CaseSnapshot:
        snapshot = TakeSnapshot(self.store, CaseIndex(self.store))(case, encoder_of(promoted.bundle))
        if promotion == promoted.bundle.digest and snapshot.awaits_encoder:
            raise EncoderAwaitedError(f"case {case} has slides that the encoder of the promoted bundle is to embed")
        return snapshot

    def _outcome(self, promoted: Promoted, snapshot: CaseSnapshot) -> "_StoredScore | _Withdrawal":
        """What comes of a case; what the bundle before refuses while the promoted one is loaded is tried again."""
        try:
            return self._outcome_by(promoted, snapshot)
        except PermanentError as error:
            if promoted.awaits:
                raise TransientError(
                    f"the promoted bundle is still loading, and the one before refuses: {error}"
                ) from error
            raise

    def _outcome_by(self, promoted: Promoted, snapshot: CaseSnapshot) -> "_StoredScore | _Withdrawal":
        for file in snapshot.damaged:
            self.embed_again(file)
        stored = CaseReader(self.store, self.read_record)(snapshot, promoted.bundle)
        if stored.empty:
            return self._without_score(snapshot, stored)
        inputs = replace(stored.inputs, left_out=(*stored.inputs.left_out, *self.left_out))
        scored = score(promoted.bundle, inputs, self.program_version)
        digest = self._keep(snapshot.case_id, scored)
        newest = max(*stored.landed, promoted.since)
        used = (*snapshot.objects, *map(stored_object.to_message, stored.accepted))
        return _StoredScore(scored.score, digest, newest, used, stored.inputs.clinical)

    def _without_score(self, snapshot: CaseSnapshot, stored: StoredCase) -> "_Withdrawal":
        case, index = snapshot.case_id, CaseIndex(self.store)
        if not index.has_case(case):
            raise NothingToScoreError(f"nothing is stored of case {case} to make a score from")
        if stored.refused and not any(self.store.list(keys.scores(case))):
            raise _unreported_first(stored.refused, index)
        return _Withdrawal(case, NOTHING_LEFT if snapshot.nothing_left else NOTHING_USABLE, snapshot.nothing_left)

    def _keep(self, case: CaseId, scored: Scored) -> Sha256:
        """Write the score, evidence first; digest of what the store holds, which an older program may have written."""
        for key, data in scored.attention.items():
            self.store.put_new(key, data)
        key, data = keys.score(case, Sha256(scored.score.score_id)), to_bytes(scored.score)
        return sha256(data if self.store.put_new(key, data) else self.store.get(key))


def _unreported_first(refused: Sequence[RefusedInput], index: CaseIndex) -> PermanentError:
    """The refusal of an input that was accepted when it landed, so that nobody has seen it; else the first one."""
    unreported = (item.error for item in refused if index.accepted(item.info.key, item.info.etag))
    return next(unreported, refused[0].error)


@dataclass(frozen=True)
class _StoredScore:
    """A score that is stored."""

    score: Score
    digest: Sha256
    as_of: datetime
    """When the newest of its inputs landed, the pointer to the bundle included."""
    inputs: Sequence[StoredObject]
    clinical: ClinicalRecord | None

    def state(self, snapshot: CaseSnapshot) -> Sha256:
        return digest_of([self.score.score_id, self.as_of.isoformat(), snapshot.seen])

    def count(self, sites: Sites) -> None:
        count(self.score, sites.label(self.clinical))

    def recorded(self, basis: Sha256) -> RecordedScore:
        return RecordedScore(basis, MessageToJson(self._announcement, indent=None))

    def event(self, recorded: RecordedState) -> CaseScored:
        return _of_revision(self._announcement, recorded)

    @property
    def _announcement(self) -> CaseScored:
        return CaseScored(
            case_id=self.score.case_id,
            score_id=self.score.score_id,
            score_key=keys.score(CaseId(self.score.case_id), Sha256(self.score.score_id)),
            score_digest=self.digest,
            as_of=stamp(self.as_of),
            inputs=self.inputs,
        )


def _of_revision(announcement: CaseScored, recorded: RecordedState) -> CaseScored:
    """The event of a score: the same one whenever the same state is published."""
    event, revision = CaseScored(), recorded.revision
    event.CopyFrom(announcement)
    event.revision, event.event_id = revision, event_id(CaseScored, event.score_id, revision)
    return event


@dataclass(frozen=True)
class _Withdrawal:
    """There is nothing to make a score from."""

    case_id: CaseId
    sentence: str
    nothing_left: bool
    as_of: datetime = _EPOCH

    def state(self, snapshot: CaseSnapshot) -> Sha256:
        return digest_of([self.sentence, snapshot.seen])

    def count(self, _: Sites) -> None:
        metrics.WITHDRAWALS.inc()

    def recorded(self, _: Sha256) -> None:
        return None

    def event(self, recorded: RecordedState) -> CaseScored:
        return CaseScored(
            event_id=event_id(CaseScored, self.case_id, recorded.revision),
            case_id=self.case_id,
            as_of=stamp(recorded.recorded_at),
            revision=recorded.revision,
            withdrawn=self.sentence,
            nothing_left=self.nothing_left,
        )
