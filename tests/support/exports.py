"""Cases to export: made-up scores with their pictures and maps."""

from medulla.v1.scorer_pb2 import Certainty, Score

from shared.export.exported_case import ExportedCase
from tests.support import scores as samples
from tests.support.results import attention_map, thumbnail


def exported(score: Score) -> ExportedCase:
    """A score of the made-up day, with all that it names."""
    objects = {slide.thumbnail_key: thumbnail() for slide in score.slides}
    objects |= {slide.attention_key: attention_map(list(slide.top_tiles)) for slide in score.slides}
    return ExportedCase(score, samples.at(5), objects.get)


def certain() -> Score:
    """A score that has a risk group."""
    score = samples.score(slides=("A1",))
    rule = "The 90 % interval lies within one risk group."
    score.certainty.CopyFrom(Certainty(state="clear", rule=rule, width=0.21, limit=0.5))
    return score


def without_objects(score: Score) -> ExportedCase:
    """A score of which nothing else is stored."""
    return ExportedCase(score, samples.at(5), lambda _: None)
