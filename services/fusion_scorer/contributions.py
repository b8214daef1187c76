"""What each variable of a model adds to the log-risk, as messages."""

from collections.abc import Iterator

from medulla.v1.scorer_pb2 import Contribution

from services.fusion_scorer import vector_messages
from services.fusion_scorer.case_evidence import CaseEvidence
from services.fusion_scorer.vectors import VectorRisk
from shared.model.block import DEFAULT_BLOCKS
from shared.model.bundle import Bundle
from shared.model.prediction import ArmPrediction


def contributions(evidence: CaseEvidence, arm: str, prediction: ArmPrediction) -> Iterator[Contribution]:
    """One for each variable that an arm reads, in the order of its columns; they sum to the log-risk."""
    for name, log_hazard in prediction.by_variable.items():
        yield _contribution(evidence, arm, name, float(log_hazard[0]))


def _contribution(evidence: CaseEvidence, arm: str, name: str, log_hazard: float) -> Contribution:
    profile = evidence.bundle.manifest.profile
    variable, risk = profile.variable(name), _vector_risk(evidence, name)
    block = variable.block if variable else ""
    return Contribution(
        variable=name,
        label=risk.block.title if risk else (variable.label if variable else "") or name.replace("_", " "),
        block=block,
        block_title="" if profile.blocks == DEFAULT_BLOCKS else profile.title_of(block),
        value=_shown(evidence, arm, name),
        log_hazard=log_hazard,
        columns=vector_messages.columns(risk, _weight(evidence.bundle, arm, name)) if risk else (),
    )


def _vector_risk(evidence: CaseEvidence, name: str) -> VectorRisk | None:
    """The vector whose log-risk a variable is; None for any other variable."""
    return next((risk for risk in evidence.vectors if risk.block.log_risk == name), None)


def _shown(evidence: CaseEvidence, arm: str, name: str) -> str:
    value, bundle = evidence.value(name), evidence.bundle
    if value is None:
        return "missing"
    if name in {variable.name for variable in bundle.manifest.profile.log_risks}:
        return f"{_in_spreads(bundle, arm, name, float(value)):+.2f} SD"
    return value if isinstance(value, str) else f"{value:.4g}"


def _in_spreads(bundle: Bundle, arm: str, name: str, log_risk: float) -> float:
    """The log-risk of a block in standard deviations of the training cohort."""
    column = bundle.arms[arm].columns[_place(bundle, arm, name)]
    return (log_risk - column.mean) / column.scale


def _weight(bundle: Bundle, arm: str, name: str) -> float:
    """Log hazard that a unit of a block's log-risk adds in a linear arm."""
    fitted, place = bundle.arms[arm], _place(bundle, arm, name)
    return float(fitted.fit.event.coefficients[place]) / fitted.columns[place].scale


def _place(bundle: Bundle, arm: str, name: str) -> int:
    """Place of the column of a log-risk among those of an arm."""
    return next(place for place, column in enumerate(bundle.arms[arm].columns) if column.variable == name)
