"""Every header that Medulla puts on a record, in one place."""

CE_SPECVERSION = "ce_specversion"
CE_ID = "ce_id"
CE_TYPE = "ce_type"
CE_SOURCE = "ce_source"
CE_SUBJECT = "ce_subject"
CONTENT_TYPE = "content-type"

PREFIX = "medulla-"
"""Every header below begins so."""

ATTEMPT = "medulla-attempt"
"""How many times handling the record has failed so far."""
FAULTS = "medulla-faults"
"""How many of those ended without an answer: not because a dependency was down."""
NOT_BEFORE = "medulla-not-before"
"""Unix seconds before which a retry is not handed out."""
TURN = "medulla-turn"
"""How many turns of long work on the record have ended; see `turns`."""
ORIGIN = "medulla-origin"
"""The record's first offset, as topic/partition/offset."""

REASON = "medulla-reason"
SENTENCE = "medulla-sentence"
ADVICE = "medulla-advice"
SERVICE = "medulla-service"
KEPT = "medulla-kept-"
"""Prefix under which a dead letter keeps the headers of the original record."""

WRITTEN = "medulla-written"
"""On a record that was appended again: Unix seconds at which it was first written."""
REPLAY_OF = "medulla-replay-of"
"""On a note beside the dead letters: the id of one that was sent again."""
REPLAYED = "medulla-replayed"
"""On a replayed dead letter: a new value for each replay, so that remembered outcomes do not stop it."""

BOOKKEEPING = frozenset({ATTEMPT, FAULTS, NOT_BEFORE, TURN, ORIGIN, REPLAYED})
