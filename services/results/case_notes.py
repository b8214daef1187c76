"""Adds people's notes to cases, and lists all of them for the trainer."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

from google.protobuf import json_format
from medulla.v1.results_pb2 import Note

from services.results import case_state
from services.results.errors import UnknownCaseError
from services.results.note import parse_note, read_note
from services.results.ports import NoteMark, NoteRecord
from services.results.queries import Queries
from shared import model_keys
from shared.blob.port import ObjectChangedError
from shared.canonical import sha256
from shared.rpc.auth import Principal
from shared.times import stamp, utc_now, when
from shared.units import Sha256

_PAGE = 500


@dataclass(frozen=True)
class CaseNotes:
    """Notes of cases. None of them changes a score."""

    queries: Queries
    now: Callable[[], datetime] = utc_now

    def add(self, case_id: str, data: bytes, author: Principal) -> Note:
        """Store a note of a request, with who and when.

        Raises:
            BadNoteError: it is no note, or a field of it is refused.
            UnknownCaseError: nothing is stored of the case.
        """
        facts, at = self.queries.facts(case_id), self.now()
        answer = case_state.answer(facts)
        score = answer.score if answer.HasField("score") else None
        note = parse_note(data, score, self._outcomes(answer.score.provenance.bundle_digest))
        note.MergeFrom(
            Note(note_id=token_hex(16), case_id=facts.case_id, author=author.subject, author_name=author.name)
        )
        note.at.CopyFrom(stamp(at))
        body = json_format.MessageToJson(note, preserving_proto_field_name=True, indent=None)
        record = NoteRecord(facts.case_id, note.note_id, body, sha256(body.encode()), at)
        if not self.queries.results.record_note(record):
            raise UnknownCaseError(f"nothing is stored of case {case_id} yet")
        return note

    def outcomes(self, case_id: str) -> Mapping[str, str]:
        """Codes of the outcome in the cohort of the case's model, each with its meaning; empty if that is not known.

        Raises:
            UnknownCaseError: nothing is stored of the case.
        """
        answer = case_state.answer(self.queries.facts(case_id))
        return self._outcomes(answer.score.provenance.bundle_digest)

    def all(self) -> Iterator[Note]:
        """Every note, the oldest first."""
        after: NoteMark | None = None
        while bodies := self.queries.results.all_notes(_PAGE, after):
            notes = list(map(read_note, bodies))
            yield from notes
            after = when(notes[-1].at), notes[-1].note_id

    def _outcomes(self, bundle_digest: str) -> Mapping[str, str]:
        """Empty without a bundle: the case has no score, or its bundle is no longer stored."""
        if not bundle_digest:
            return {}
        try:
            manifest = json.loads(
                self.queries.blobs.get(f"{model_keys.bundle_prefix(Sha256(bundle_digest))}bundle.json")
            )
        except ObjectChangedError:
            return {}
        return {str(code): str(meaning) for code, meaning in manifest["profile"]["outcome"]["codes"].items()}
