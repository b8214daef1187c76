"""Cases to export: made-up scores with their pictures and maps."""

from math import exp

from medulla.v1.scorer_pb2 import Certainty, HorizonRisk, IncidenceCurve, RecordOnly, RuleAnswer, Score

from shared.export.exported_case import ExportedCase
from tests.support import scores as samples
from tests.support.results import thumbnail, tile_file

DATED = samples.at(5).replace(microsecond=123456)
"""As databases keep times."""


def exported(score: Score) -> ExportedCase:
    """A score of the made-up day, with all that it names."""
    objects = {slide.thumbnail_key: thumbnail() for slide in score.slides}
    objects |= {slide.attention_key: tile_file(slide) for slide in score.slides}
    return ExportedCase(score, DATED, objects.get)


def certain() -> Score:
    """A score that has a risk group."""
    score = samples.score(slides=("A1",))
    rule = "the 90% interval of the 3-year risk, 22.0% to 43.0%, lies within one risk group"
    score.certainty.CopyFrom(Certainty(state="clear", rule=rule, width=0.21, limit=0.5))
    return score


def unanswered() -> Score:
    """A score that no model of the bundle could answer."""
    score = samples.abstained()
    score.model = ""
    del score.modalities_used[:], score.contributions[:]
    return score


def complete() -> Score:
    """A score with everything that a score can say."""
    score, years = samples.add_prototypes(certain()), [step / 10 for step in range(61)]
    rising = [1 - exp(-year / 2.5) for year in years]
    shares = {name: [most * value for value in rising] for name, most in (("risk", 0.4), ("lo", 0.28), ("hi", 0.55))}
    score.incidence.CopyFrom(IncidenceCurve(years=years, level=0.9, **shares))
    for year, horizon in ((1, 3), (1, 5), (2, 3), (2, 5), (3, 5)):
        score.event_free_risks.add(
            event_free_years=year, horizon_years=horizon, risk=0.3 / year, lo=0.2 / year, hi=0.4 / year, level=0.9
        )
    score.rule.CopyFrom(RuleAnswer(expression="m >= M1", answer="high", sentence="the rule puts the case at high risk"))
    alone = [HorizonRisk(horizon_years=years, risk=0.27, lo=0.2, hi=0.4, level=0.9) for years in (3, 5)]
    score.record_only.CopyFrom(RecordOnly(model="clinical", modalities=["clinical"], risks=alone))
    score.missing_variables.add(
        variable="extent", label="extent of resection", horizon_years=3, lo=0.2, lo_value="GTR", hi=0.4, hi_value="STR"
    )
    return score


def excessive() -> Score:
    """A score with more of everything, and longer texts, than two pages hold."""
    score = samples.add_prototypes(samples.score("MB-9", slides=[f"S{number}" for number in range(40)]))
    score.incidence.CopyFrom(complete().incidence)
    score.event_free_risks.MergeFrom(complete().event_free_risks)
    for number in range(30):
        score.remarks.add(code="profile_check", sentence="A remark with 中文 " + "word " * 100)
        score.readings.add(variable="v", label="label " * 20, written="w" * 200, value="x" * 60)
        score.contributions.add(
            variable=f"v{number}", label="label " * 20, value="value " * 20, log_hazard=3 - number / 5
        )
        score.missing_variables.add(variable="v", label="l" * 90, lo=0, lo_value="a" * 90, hi=1, hi_value="b" * 90)
    return score


def without_objects(score: Score) -> ExportedCase:
    """A score of which nothing else is stored."""
    return ExportedCase(score, DATED, lambda _: None)
