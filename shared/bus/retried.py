"""What a record on a retry topic says of the slide that it is about: who put it aside, why, and until when."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.bus import dead_letters, headers, s3_events
from shared.bus.port import Record
from shared.bus.retry import DEFERRALS, not_before, trace_carrier
from shared.errors import PoisonMessageError
from shared.home import Home


@dataclass(frozen=True, slots=True)
class Retry:
    """One record that a service tries again."""

    service: str
    case_id: str
    slide_id: str
    """Empty where it is of the whole case."""
    sentence: str
    due: datetime
    attempts: int
    trace_id: str = ""


def retry_of(service: str, record: Record, home: Home) -> Retry | None:
    """The retry of a record of the service's retry topic; None where it names no case."""
    case, slide = _named(record, home)
    if not case:
        return None
    due, attempts = datetime.fromtimestamp(not_before(record, time.time()), UTC), dead_letters.attempts_of(record)
    return Retry(service, case, slide, _sentence(service, record, attempts), due, attempts, _trace(record))


def _named(record: Record, home: Home) -> tuple[str, str]:
    if headers.CE_SUBJECT in record.headers:
        case, _, slide = record.headers[headers.CE_SUBJECT].partition("/")
        return case, slide
    try:
        ids = s3_events.context(s3_events.decoder(home)(record))
    except PoisonMessageError:
        return "", ""
    return ids.get("case_id", ""), ids.get("slide_id", "")


def _sentence(service: str, record: Record, attempts: int) -> str:
    """Why it is tried again; a turn of long work and a deferral are no failures."""
    why = record.headers.get(headers.WHY, "")
    if why in DEFERRALS:
        return f"{service}: {why}"
    if not attempts or (dead_letters.turns_of(record) and not why):
        return f"{service} works on it in turns with other slides"
    return f"{service}, attempt {attempts}: {why or 'a dependency did not answer'}"


def _trace(record: Record) -> str:
    fields = trace_carrier(record).get(headers.TRACEPARENT, "").split("-")
    return fields[1] if len(fields) == 4 and len(fields[1]) == 32 else ""
