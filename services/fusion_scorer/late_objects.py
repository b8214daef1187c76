"""Sweeps objects of erased cases that a process wrote after the erasure, and did not live to request another one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.fusion_scorer.derived_objects import DerivedObjects
from shared import keys, logs
from shared.blob.port import BlobInfo, BlobStore
from shared.erased import ErasedCases
from shared.times import utc_now
from shared.units import CaseId, Sha256

_NAMED_FOR = timedelta(days=1)
"""How long a slide of an erased case is named. Work checks that its case is not erased before it writes, and a process
that passed the check before the erasure has written all it can within minutes; a day covers clocks that disagree."""
_log = logs.get(__name__)


@dataclass(frozen=True)
class SweepErased:
    """Erases late objects; lists the bucket once, and does no more than that while no case is erased.

    Every writer names its slide in its case, then checks that the case is not erased, then writes; an erasure marks the
    case, then reads the names. So each object that is written after an erasure has a slide that the erasure named
    below `erased/slides/`, or lies in the erased case itself.
    """

    store: BlobStore
    now: Callable[[], datetime] = utc_now

    def __call__(self) -> None:
        """Sweep once; what a case that is not erased holds stays.

        Raises:
            TransientError: the store is down; what was erased before stays erased.
        """
        markers = {info.key for info in self.store.list(keys.ERASED)}
        for case, slides in self._late_cases(markers).items() if markers else ():
            self._sweep_case(case, slides)
        for info in list(self.store.list(keys.ERASED_SLIDES)):
            self._sweep_slide(info, is_last=info.last_modified < self.now() - _NAMED_FOR)

    def _late_cases(self, markers: set[str]) -> dict[CaseId, set[Sha256]]:
        """The erased cases of which services have written something, and the slides that they are marked to hold."""
        late: defaultdict[CaseId, set[Sha256]] = defaultdict(set)
        for case, slides in self._written():
            if keys.erased(case) in markers:
                late[case] |= slides
        return late

    def _written(self) -> Iterator[tuple[CaseId, set[Sha256]]]:
        """The case of each object that services wrote of one, and the slide if the object marks it."""
        for prefix in (keys.CASES, keys.SCORES, keys.LANDINGS):
            for info in self.store.list(prefix):
                yield CaseId(info.key.removeprefix(prefix).partition("/")[0]), set()
        for info in self.store.list(keys.CASES_OF):
            slide, _, case = info.key.removeprefix(keys.CASES_OF).partition("/")
            yield CaseId(case), {Sha256(slide)}

    def _sweep_case(self, case: CaseId, slides: Iterable[Sha256]) -> None:
        """Erase what is there of the case, unless its erasure was lifted meanwhile."""
        if ErasedCases(self.store).holds(case):
            DerivedObjects(self.store).erase_case(case, slides)
            _log.info("erased late objects of an erased case")

    def _sweep_slide(self, name: BlobInfo, *, is_last: bool) -> None:
        """Erase what is there of a slide; the last time with its name, and with versions that a listing omits."""
        slide = Sha256(name.key.removeprefix(keys.ERASED_SLIDES).removesuffix(".json"))
        if is_last or any(any(self.store.list(derived)) for derived in keys.derived(slide)):
            DerivedObjects(self.store).erase_slide(slide)
        if is_last:
            self.store.erase(name.key)
