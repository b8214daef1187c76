"""The report of an evaluation or of a validation, from which report.json and the page are made."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ValidationError

from services.trainer.errors import BadReportError
from services.trainer.report_model.arms import ArmFigures, DecisionCurve, LandmarkFigures, RiskGroups, Subgroup
from services.trainer.report_model.comparisons import ArmContrast, MatchedRates, Moved, Secondary
from services.trainer.report_model.entry import Entry, Inline
from services.trainer.report_model.patients import (
    CohortSummary,
    HazardRatio,
    PrototypeRow,
    ReportedProfile,
    VariableRow,
)
from services.trainer.report_model.procedure import CrossValidation, ExternalValidation
from shared.files import put
from shared.model.bundle_files import first_problem

REPORT = "report.json"
"""Its file in the folder of a report."""


class ReportedBootstrap(Entry):
    """How intervals were drawn."""

    samples: int
    fewer: int
    """Samples of the figures that take long."""
    level: float


class Report(Entry):
    """Everything that was measured on a cohort."""

    version: Literal[1]
    """Of this format."""
    kind: Literal["evaluate", "validate"]
    """The command that measured."""
    simulated: bool
    """Whether the cohort has SIMULATED patients."""
    notice: str
    """Research use only."""
    profile: ReportedProfile
    """Name, title, population and labels of the profile."""
    horizons_years: tuple[float, ...]
    """Times by which risks are judged."""
    cohort: CohortSummary
    """Patients, events by code, and follow-up."""
    notes: tuple[str, ...]
    """What a reader should know of the cohort, in words."""
    arms: dict[str, ArmFigures]
    """Discrimination, calibration and operating points of each model and of the rule, with intervals."""
    absent: dict[str, str]
    """Why an arm is not among `arms`, by its name."""
    contrasts: tuple[ArmContrast, ...]
    """Differences in concordance between two arms on the same patients, corrected for their number."""
    primary: str
    """The primary contrast in words."""
    matched: tuple[MatchedRates, ...] = ()
    """Of reports of older programs: none, as in `moved` and `claims`."""
    moved: tuple[Moved, ...] = ()
    """Of 100 patients, how many an arm calls high that another calls low, and the reverse, by who has the event."""
    claims: tuple[str, ...] = ()
    """What was shown of sensitivity and specificity, and what was not, in words."""
    reservations: tuple[str, ...] = ()
    """What speaks against the model, in words."""
    landmarks: tuple[LandmarkFigures, ...] = ()
    """Of reports of older programs, and without times: none."""
    secondary: Secondary
    """Reclassification and the Fine-Gray model of the primary arm and its baseline."""
    decision_curve: DecisionCurve
    """Net benefit of treating by each arm, all and nobody, over thresholds of risk."""
    prototypes: tuple[PrototypeRow, ...]
    """Groups of similar tiles, and what goes with them; descriptive."""
    risk_groups: tuple[RiskGroups, ...]
    """Observed incidence in the groups that each arm forms."""
    subgroups: tuple[Subgroup, ...]
    """Harrell's C by arm in the subgroups and sites of the cohort."""
    modalities: tuple[Subgroup, ...]
    """Patients by the blocks that are known of them."""
    table_one: tuple[VariableRow, ...]
    """The variables of the cohort."""
    hazard_ratios: tuple[HazardRatio, ...]
    """Of each column of the Cox models, with intervals."""
    bootstrap: ReportedBootstrap
    """Samples and level of the intervals."""
    procedure: Annotated[CrossValidation | ExternalValidation, Inline.of(CrossValidation, ExternalValidation)]
    """Folds, repeats and controls of an evaluation, or bundle and cohort of a validation."""

    @classmethod
    def read(cls, path: str | Path) -> "Report":
        """Read report.json, or that of a report's folder, and check it.

        Raises:
            BadReportError: it cannot be read or is no report.
        """
        path = Path(path) / REPORT if Path(path).is_dir() else Path(path)
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BadReportError(f"{path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise BadReportError(f"{path} is no report: {first_problem(error)}") from error

    def write(self, out: Path) -> None:
        """Write report.json into a folder, whole or not at all."""
        content = json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False)
        put(out / REPORT, (content + "\n").encode())

    def __repr_args__(self) -> Iterator[tuple[str, object]]:
        yield from (("kind", self.kind), ("n", self.cohort.n), ("arms", list(self.arms)))

    @property
    def primary_contrast(self) -> ArmContrast | None:
        """None where one of its arms is absent."""
        return next((contrast for contrast in self.contrasts if contrast.primary), None)

    @property
    def cross_validation(self) -> CrossValidation | None:
        """The procedure of an evaluation."""
        return self.procedure if isinstance(self.procedure, CrossValidation) else None

    @property
    def external_validation(self) -> ExternalValidation | None:
        """The procedure of a validation."""
        return self.procedure if isinstance(self.procedure, ExternalValidation) else None
