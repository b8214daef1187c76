"""Derives a case's state, flags and open refusals from its facts."""

from collections.abc import Iterable, Iterator, Sequence

from google.protobuf import json_format
from medulla.v1.events_pb2 import SlideRejected
from medulla.v1.results_pb2 import (
    CASE_STATE_ABSTAINED,
    CASE_STATE_IN_PROGRESS,
    CASE_STATE_REJECTED,
    CASE_STATE_SCORED,
    CASE_STATE_WITHDRAWN,
    CaseState,
    CaseSummary,
    GetCaseResponse,
    StoredScore,
)
from medulla.v1.scorer_pb2 import HorizonRisk, Score

from services.results.case_list import UNCERTAIN
from services.results.errors import ScoreMismatchError
from services.results.ports import CaseFacts, KeptScore, Withdrawal
from shared import keys
from shared.slides.embedded import IN_TWO_CASES
from shared.times import stamp, when
from shared.units import CaseId


def read_score(body: str, where: str) -> Score:
    """Read a score's JSON; unknown fields of newer versions are ignored.

    Raises:
        ScoreMismatchError: it is not a score.
    """
    try:
        return json_format.Parse(body, Score(), ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise ScoreMismatchError(f"{where} holds no score") from error


def summary(facts: CaseFacts) -> CaseSummary:
    """One line of the list of cases."""
    return _summary(facts, _score(facts), open_rejections(facts))


def slide_ids(facts: CaseFacts) -> set[str]:
    """Slides that the current score was made from, or left out."""
    score = _score(facts) or Score()
    return {each.slide_id for each in score.slides} | {each.slide_id for each in score.left_out}


def answer(facts: CaseFacts) -> GetCaseResponse:
    """The case with its current score and open refusals."""
    score, refused = _score(facts), open_rejections(facts)
    withdrawn = facts.withdrawn
    sentence = withdrawn.sentence if withdrawn and not _moved_since(facts, withdrawn) else ""
    return GetCaseResponse(summary=_summary(facts, score, refused), score=score, rejections=refused, withdrawn=sentence)


def stored(kept: KeptScore) -> StoredScore:
    """A score, its time, and whether it is current."""
    return StoredScore(score=read_score(kept.body, "the database"), current=kept.current, as_of=stamp(kept.as_of))


def open_rejections(facts: CaseFacts) -> list[SlideRejected]:
    """The newest refusal of each input, unless the current score was made from that input."""
    newest: dict[str, SlideRejected] = {}
    for refused in sorted(facts.rejections, key=lambda r: (when(r.as_of), r.event_id)):
        newest[_subject(refused)] = refused
    return [refused for _, refused in sorted(newest.items()) if not _cleared(refused, facts.current)]


def stands_for_case(refused: SlideRejected, current: KeptScore | None) -> bool:
    """Whether a refusal is that of the case as a whole, or of a bag, and no later score cleared it."""
    return not refused.object_key.startswith(keys.LANDED) and not _cleared(refused, current)


def _cleared(refused: SlideRejected, current: KeptScore | None) -> bool:
    """Whether the score was made from the refused input, in any version.

    A refusal by an older program, without a version, is cleared by a score whose inputs are as new.
    """
    if current is None:
        return False
    if not refused.object_etag or current.inputs is None:
        used = _inputs(read_score(current.body, "the database"))
        return _subject(refused) in used and when(refused.as_of) <= current.as_of
    if not refused.object_key.startswith(keys.LANDED):
        return refused.object_etag < current.revision
    return refused.object_key in {key for key, _ in current.inputs}


def _score(facts: CaseFacts) -> Score | None:
    return read_score(facts.current.body, "the database") if facts.current else None


def _inputs(score: Score) -> set[str]:
    """Inputs of a score, named as by `_subject`."""
    clinical = {keys.CLINICAL} if score.provenance.clinical_digest else set()
    vectors = (keys.vector(CaseId(score.case_id), vector.block) for vector in score.provenance.vectors)
    return {"", *clinical, *vectors, *(slide.slide_id for slide in score.slides)}


def _subject(refused: SlideRejected) -> str:
    """A slide's id, "clinical/" for the clinical record, a vector's key, "" for the case as a whole."""
    if refused.object_key.startswith(keys.VECTORS):
        return refused.object_key
    about_record = refused.object_key.startswith(keys.CLINICAL)
    return refused.slide_id or (keys.CLINICAL if about_record else "")


def _summary(facts: CaseFacts, score: Score | None, refused: Sequence[SlideRejected]) -> CaseSummary:
    return CaseSummary(
        case_id=facts.case_id,
        state=_state(facts, score, refused),
        risk=_first_risk(score),
        risk_group="" if score is None or score.abstained else score.risk_group,
        flags=_flags(score, refused),
        updated_at=stamp(facts.updated_at),
        certainty="" if score is None or score.abstained else score.certainty.state,
        site_id=facts.current.site if facts.current else "",
        reasons=dict.fromkeys(each.reason for each in refused),
    )


def _state(facts: CaseFacts, score: Score | None, refused: Iterable[SlideRejected]) -> CaseState.ValueType:
    if score is not None:
        return CASE_STATE_ABSTAINED if score.abstained else CASE_STATE_SCORED
    if facts.withdrawn and facts.withdrawn.nothing_left and not _moved_since(facts, facts.withdrawn):
        return CASE_STATE_WITHDRAWN
    rejected_slides = {rejection.slide_id for rejection in refused}
    unscorable = any(not rejection.object_key.startswith(keys.LANDED) for rejection in refused)
    under_way = not unscorable and any(progress.slide_id not in rejected_slides for progress in facts.progress)
    return CASE_STATE_REJECTED if rejected_slides and not under_way else CASE_STATE_IN_PROGRESS


def _moved_since(facts: CaseFacts, withdrawn: Withdrawal) -> bool:
    """Whether a slide is in progress again."""
    return any(when(progress.at) > withdrawn.as_of for progress in facts.progress)


def _first_risk(score: Score | None) -> HorizonRisk | None:
    if score is None or score.abstained or not score.risks:
        return None
    return min(score.risks, key=lambda risk: risk.horizon_years)


def _flags(score: Score | None, refused: Sequence[SlideRejected]) -> Iterator[str]:
    if score is not None:
        slides = (slide.out_of_distribution for slide in score.slides)
        vectors = (vector.out_of_distribution for vector in score.vectors)
        if any(far.flagged for far in (score.out_of_distribution, *slides, *vectors)):
            yield "out_of_distribution"
        if score.certainty.state in UNCERTAIN:
            yield score.certainty.state
        yield from (f"missing_{name}" for name in score.modalities_missing)
        codes = {remark.code for remark in score.remarks}
        remarks = (
            ("left_aside", score.modalities_left_aside),
            ("left_out_slide", score.left_out),
            (IN_TWO_CASES, IN_TWO_CASES in codes),
            ("remark", codes),
        )
        yield from (name for name, shown in remarks if shown)
    if refused:
        yield "rejected_input"
    if score is not None and score.simulated:
        yield "simulated"
