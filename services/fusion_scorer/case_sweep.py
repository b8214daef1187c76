"""Follows the listings of inputs and of the index, and looks at the cases that changed since the last sweep."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.fusion_scorer.landed_input import PREFIXES
from shared import keys
from shared.blob.port import BlobInfo, BlobStore
from shared.case_walk import walk
from shared.errors import TransientError
from shared.incidents import contained
from shared.settled import SettledMarks
from shared.sweep import Failed, ignored
from shared.units import CaseId


@dataclass(frozen=True)
class CaseSweep:
    """Marks a case in the index where nothing is to be done for it as it is listed."""

    store: BlobStore

    def unseen_inputs(self, is_unseen: Callable[[BlobInfo], bool], failed: Failed = ignored) -> Iterator[BlobInfo]:
        """The records and vectors that are unseen; an input that cannot be checked stops no other."""
        marks = SettledMarks(self.store, keys.CASES, "inputs")
        for case in walk(self.store, *PREFIXES, keys.CASES):
            inputs = [info for prefix in PREFIXES for info in case.below(prefix)]
            if not inputs or marks.settled(case):
                continue
            settled = bool(case.below(keys.CASES))
            for info in inputs:
                with contained("sweep", TransientError):
                    if is_unseen(info):
                        settled = False
                        yield info
                    continue
                settled = False
                failed(info.key)
            if settled:
                marks.settle(case)

    def outdated(self, is_outdated: Callable[[CaseId], bool], failed: Failed = ignored) -> int:
        """How many cases of the index are outdated; one that cannot be compared stops no other."""
        marks, outdated = SettledMarks(self.store, keys.CASES, "scores"), 0
        for case in walk(self.store, *keys.LANDED, keys.CASES):
            if not case.below(keys.CASES) or marks.settled(case):
                continue
            with contained("sweep", TransientError):
                if is_outdated(case.case_id):
                    outdated += 1
                else:
                    marks.settle(case)
                continue
            failed(case.case_id)
        return outdated
