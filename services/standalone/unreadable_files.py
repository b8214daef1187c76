"""Reports what the watched folder skips: unreadable files, slides and records beside their folders."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from medulla.v1.events_pb2 import SlideRejected

from services.standalone.advice import here
from services.standalone.misplaced_files import misplaced_files
from services.standalone.selection import Refused, unreadable
from shared import file_names, keys
from shared.bus.events import event_id
from shared.times import stamp


@dataclass(frozen=True)
class UnreadableFiles:
    """Reports each of them once."""

    root: Path
    report: Callable[[SlideRejected], None]
    reported: set[tuple[Path, str]] = field(default_factory=set)

    def __call__(self) -> None:
        """Scan once."""
        for folder in keys.LANDED:
            passed_over = file_names.is_no_slide if folder == keys.SLIDES else file_names.is_no_record
            self._report(unreadable(self.root / folder, passed_over))
        self._report(misplaced_files(self.root))

    def _report(self, refusals: Iterable[Refused]) -> None:
        for refused in refusals:
            known = refused.path, str(refused.error)
            if known not in self.reported:
                self.reported.add(known)
                self.report(self._rejection(refused))

    def _rejection(self, refused: Refused) -> SlideRejected:
        key, error = refused.path.relative_to(self.root).as_posix(), refused.error
        return SlideRejected(
            event_id=event_id(SlideRejected, key, str(error)),
            **keys.named_in(key),
            object_key=key.encode(errors="backslashreplace").decode(),
            service="medulla",
            reason=error.reason,
            sentence=str(error).encode(errors="backslashreplace").decode(),
            advice=here(error.reason, error.advice),
            as_of=stamp(datetime.now(UTC)),
        )
