"""What was put in and what came out: the checker that every scenario asks, by case."""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.error import URLError

from tests.support.polling import wait_for


@dataclass(frozen=True, slots=True)
class Landed:
    """A case that was put into the bucket, and how it has to end."""

    case_id: str
    ends_as: str
    """A model of the bundle, or the reason for which its slide is refused."""
    same_inputs: str = ""
    """Cases with the same text hold the same bytes, so their scores have to be equal."""


@dataclass
class Verdict:
    """What became of the cases of a history."""

    scored: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Neither scored as they should be nor refused for the reason that holds."""
    ambiguous: list[str] = field(default_factory=list)
    """Cases with none or several current scores, or one score twice."""

    @property
    def ended(self) -> int:
        """Cases that ended as they have to."""
        return len(self.scored) + len(self.refused)

    @property
    def unambiguous(self) -> int:
        """Those of them that have one current score where they were scored."""
        return self.ended - len(self.ambiguous)


def ended(landed: Landed, answer: Mapping[str, Any]) -> bool:
    """Whether a case, as REST shows it, has ended as it has to."""
    if answer.get("score", {}).get("model") == landed.ends_as:
        return True
    return any(item["reason"] == landed.ends_as for item in answer.get("rejections", []))


def has_outcome(answer: Mapping[str, Any]) -> bool:
    """Whether a case, as REST shows it, has a score or a refusal of an input."""
    return bool(answer.get("score") or answer.get("rejections"))


def still_open(landed: Iterable[Landed], case: Callable[[str], Mapping[str, Any]]) -> list[Landed]:
    """Those that have not ended; `case` gives what REST shows of one, and may fail while a service is down."""
    return [item for item in landed if not _ended_now(item, case)]


def _ended_now(landed: Landed, case: Callable[[str], Mapping[str, Any]]) -> bool:
    try:
        return ended(landed, case(landed.case_id))
    except (URLError, OSError):
        return False


def settle(
    landed: Sequence[Landed], case: Callable[[str], Mapping[str, Any]], seconds: float, pause_s: float = 1.0
) -> list[Landed]:
    """Wait until all have ended; gives those that have not after so many seconds."""
    waiting = await_each(landed, lambda item: _ended_now(item, case), seconds, pause_s)
    return still_open(waiting, case)


def await_each(
    landed: Iterable[Landed], is_ready: Callable[[Landed], bool], seconds: float, pause_s: float = 1.0
) -> Sequence[Landed]:
    """Wait until each was ready once; gives those that were not after so many seconds.

    Only the first that is not is asked for again: answers about all of them would take a core from the services.
    """
    waiting = deque(landed)

    def none_left() -> bool:
        while waiting and is_ready(waiting[0]):
            waiting.popleft()
        return not waiting

    wait_for(none_left, seconds, pause_s)
    return waiting


def verdict_on(
    landed: Iterable[Landed],
    case: Callable[[str], Mapping[str, Any]],
    scores: Callable[[str], Sequence[Mapping[str, Any]]],
) -> Verdict:
    """Look at every case once more: ended as it has to, and one current score where it was scored."""
    verdict = Verdict()
    for item in landed:
        answer = case(item.case_id)
        if not ended(item, answer):
            verdict.lost.append(item.case_id)
        elif "score" not in answer:
            verdict.refused.append(item.case_id)
        else:
            verdict.scored.append(item.case_id)
            if not unambiguous(scores(item.case_id)):
                verdict.ambiguous.append(item.case_id)
    return verdict


def unambiguous(scores: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one score of a case is current, and none stands twice."""
    identities = [score["score"]["score_id"] for score in scores]
    return sum(score["current"] for score in scores) == 1 and len(set(identities)) == len(identities)


def differing(landed: Iterable[Landed], score_bytes: Callable[[str], bytes]) -> tuple[list[str], int]:
    """Groups of cases with the same inputs whose scores differ in more than the case's name, and how many groups."""
    groups: dict[str, list[str]] = defaultdict(list)
    for item in landed:
        if item.same_inputs:
            groups[item.same_inputs].append(anonymous(score_bytes(item.case_id)))
    return [name for name, texts in groups.items() if len(set(texts)) > 1], len(groups)


def anonymous(score: bytes) -> str:
    """A score's JSON without what names its case, as the record's digest does, or another that holds the same slide."""
    content = dict(json.loads(score))
    for name in ("case_id", "score_id", "remarks"):
        content.pop(name, None)
    content.get("provenance", {}).pop("clinical_digest", None)
    for slide in content.get("slides", []):
        slide.pop("attention_key", None)
    return json.dumps(content, sort_keys=True)
