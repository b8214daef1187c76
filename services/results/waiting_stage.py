"""How far a slide that waits has come, as its services last reported."""

from medulla.v1.events_pb2 import Progress, Stage

from services.results.ports import CaseFacts
from shared.blob.port import BlobInfo
from shared.keys import SlideKey
from shared.times import when
from shared.waiting import WaitingSlide

STAGES = ("landed", "downloading", "planning", "embedding", "scoring", "waiting")
"""What a slide may wait in, in their order."""


def waiting_slide(slide: SlideKey, info: BlobInfo, facts: CaseFacts | None) -> WaitingSlide:
    """The slide of a primary file, with the progress that the database holds of this version."""
    reported = [each for each in facts.progress if each.slide_id == slide.slide_id] if facts else []
    latest = next((each for each in reported if when(each.at) >= info.last_modified), None)
    if latest is None:
        why = "no service has begun with it"
        return WaitingSlide(slide.case_id, slide.slide_id, info.last_modified, "landed", info.last_modified, why)
    stage = Stage.Name(latest.stage).removeprefix("STAGE_").lower()
    return WaitingSlide(
        case_id=slide.case_id,
        slide_id=slide.slide_id,
        landed=info.last_modified,
        stage=stage,
        since=when(latest.at),
        why=_why(latest, stage),
        trace=facts.traces.get(slide.slide_id, "") if facts else "",
    )


def _why(progress: Progress, stage: str) -> str:
    if stage == "waiting":
        return "more files of the slide may come"
    if progress.total and progress.done >= progress.total:
        return f"{stage} is done, and nothing after it has begun"
    return f"{stage} {progress.done} of {progress.total}" if progress.total else f"{stage} has begun"
