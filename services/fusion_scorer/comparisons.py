"""What stands beside a risk: the training cohort, the profile's rule, and the record without slides and vectors."""

from medulla.v1.scorer_pb2 import CohortRisk, RecordOnly, RuleAnswer

from services.fusion_scorer.risk_messages import horizon_risks
from shared.model.bundle import Bundle
from shared.model.case_values import CaseValues
from shared.model.manifest import ArmRef
from shared.words import listed


def cohort_risk(bundle: Bundle, arm: str) -> CohortRisk | None:
    """Risks of the training cohort by an arm; None where the bundle does not hold them at a horizon of its profile."""
    risks = bundle.reference.risk.get(arm)
    if risks is None or risks.horizon_years not in bundle.manifest.profile.horizons_years:
        return None
    return CohortRisk(horizon_years=risks.horizon_years, quantiles=risks.quantiles, patients=risks.patients)


def rule_answer(bundle: Bundle, known: CaseValues) -> RuleAnswer | None:
    """What the rule of the bundle's profile says of a case; None where the profile has no rule.

    It says high or low where the known values decide it, whatever the missing ones are; see `Rule.bounds`.
    """
    profile = bundle.manifest.profile
    if not profile.rule:
        return None
    rule = profile.expression(profile.rule)
    certain, possible = rule.bounds(known.column)
    lacking = [
        variable.shown
        for variable in profile.variables
        if variable.name in rule.variables and variable.name not in known.columns
    ]
    if certain[0] or not possible[0]:
        answer = "high" if certain[0] else "low"
        sentence = f"The rule of the profile puts the case at {answer} risk."
    else:
        answer, sentence = "unknown", f"The rule of the profile cannot be applied without {listed(lacking)}."
    return RuleAnswer(expression=profile.rule, answer=answer, sentence=sentence)


def record_only(bundle: Bundle, arm: ArmRef, known: CaseValues) -> RecordOnly | None:
    """The case by the arm that serves its record alone; None where `arm` reads no more, or there is none."""
    profile = bundle.manifest.profile
    if set(arm.blocks) <= set(profile.record_blocks):
        return None
    names = {variable.name for variable in profile.of_blocks(profile.record_blocks)}
    record = CaseValues(profile, {name: known.columns[name] for name in known.columns.keys() & names}, len(known))
    other = bundle.arm_for(record)
    if other is None:
        return None
    risks = horizon_risks(bundle.predict(other.name, record))
    return RecordOnly(model=other.name, modalities=profile.titles_of(other.blocks), risks=risks)
