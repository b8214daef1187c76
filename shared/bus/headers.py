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
ORIGIN = "medulla-origin"
"""Where the record first stood, as topic/partition/offset."""

REASON = "medulla-reason"
SENTENCE = "medulla-sentence"
ADVICE = "medulla-advice"
SERVICE = "medulla-service"
KEPT = "medulla-kept-"
"""Prefix under which a dead letter keeps the headers of the record it was."""

REPLAY_OF = "medulla-replay-of"
"""On a note beside the dead letters: the id of one that was sent again."""
REPLAYED = "medulla-replayed"
"""On a dead letter that was sent again: a name of its own for each time, so that nothing remembered stops it."""

BOOKKEEPING = frozenset({ATTEMPT, FAULTS, NOT_BEFORE, ORIGIN, REPLAYED})
