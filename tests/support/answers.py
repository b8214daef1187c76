"""Made-up scores that say how certain they are, what they compare with, and what the record lacks."""

from collections.abc import Callable

from medulla.v1.scorer_pb2 import (
    Certainty,
    CohortRisk,
    EventFreeRisk,
    HorizonRisk,
    IncidenceCurve,
    MissingVariable,
    RecordOnly,
    RuleAnswer,
    Score,
)

from tests.support import scores as samples

_POINTS = 61
_LAST_YEARS = 6.0
RULE = "In training, 80 of 100 children whose tumour came back lay above this limit."


def answered(case: str = "MB-0042", version: str = "1") -> Score:
    """A clear score with every comparison."""
    message = samples.score(case, version)
    message.risk_group, message.risk_group_rule = "higher risk of recurrence", RULE
    message.certainty.CopyFrom(Certainty(state="clear", rule="the interval lies in one group", width=0.21, limit=0.5))
    message.incidence.CopyFrom(_curve(_rising, 0.71, 1.36))
    message.event_free_risks.extend(_event_free())
    message.cohort_risk.CopyFrom(
        CohortRisk(horizon_years=3, quantiles=[0.02 + 0.7 * (n / 20) ** 2 for n in range(21)], patients=240)
    )
    message.rule.CopyFrom(
        RuleAnswer(expression="stage > M0 or age < 3", answer="high", sentence="The rule calls this case high risk.")
    )
    message.record_only.CopyFrom(RecordOnly(model="clinical", modalities=["clinical"], risks=_record_risks()))
    message.missing_variables.extend(_missing())
    return message


def uncertain(case: str, state: str) -> Score:
    """A score without a group, since its interval crosses the threshold or is too wide."""
    message = answered(case)
    message.risk_group = ""
    message.certainty.state = state
    message.certainty.rule = "the 90% interval at 3 years, 3 to 98%, holds the limit of 25%"
    for risk in message.risks:
        risk.risk, risk.lo, risk.hi = 0.75, 0.03, 0.98
    message.incidence.CopyFrom(_curve(lambda year: min(0.25 * year, 0.75), 0.04, 0.98 / 0.75))
    return message


def abstaining(case: str) -> Score:
    """A score that abstains, and so has neither risks nor comparisons."""
    message = samples.abstained(case)
    del message.risks[:]
    return message


def beyond(case: str) -> Score:
    """A score with shares beyond hazard ratios of 8 and 1/8."""
    message = answered(case)
    message.contributions[0].log_hazard, message.contributions[3].log_hazard = 2.7, -2.4
    return message


def _rising(year: float) -> float:
    """31 % at 3 and 38 % at 5 years."""
    return min(0.31 * year / 3, 0.31 + 0.035 * (year - 3))


def _curve(risk_by: Callable[[float], float], lowest: float, highest: float) -> IncidenceCurve:
    """A curve with a band from `lowest` to `highest` times its risk."""
    years = [_LAST_YEARS * n / (_POINTS - 1) for n in range(_POINTS)]
    risk = [risk_by(year) for year in years]
    lo, hi = ([factor * value for value in risk] for factor in (lowest, highest))
    return IncidenceCurve(years=years, risk=risk, lo=lo, hi=hi, level=0.9)


def _event_free() -> list[EventFreeRisk]:
    rows = [(1, 3, 0.24), (1, 5, 0.31), (2, 3, 0.14), (2, 5, 0.23), (3, 5, 0.12)]
    return [
        EventFreeRisk(event_free_years=t, horizon_years=h, risk=risk, lo=0.6 * risk, hi=1.5 * risk, level=0.9)
        for t, h, risk in rows
    ]


def _record_risks() -> list[HorizonRisk]:
    return [
        HorizonRisk(horizon_years=3, risk=0.27, lo=0.18, hi=0.39, level=0.9),
        HorizonRisk(horizon_years=5, risk=0.34, lo=0.24, hi=0.47, level=0.9),
    ]


def _missing() -> list[MissingVariable]:
    rows = [
        ("extent_of_resection", "", 0.29, "GTR", 0.41, "STR"),
        ("myc_amp", "MYC amplification", 0.3, "no", 0.62, "yes"),
    ]
    return [
        MissingVariable(variable=name, label=label, horizon_years=3, lo=lo, lo_value=low, hi=hi, hi_value=high)
        for name, label, lo, low, hi, high in rows
    ]
