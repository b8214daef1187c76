"""How the predictions of a report were made: by cross-validation, or by a bundle as it is."""

from typing import Annotated

from pydantic import Field

from services.trainer.metrics.bootstrap import Figure
from services.trainer.report_model.development import Development
from services.trainer.report_model.entry import Entry, Inline
from services.trainer.report_model.equation import ModelEquation
from services.trainer.report_model.recalibrated import RecalibratedBundle


class ControlFigure(Entry):
    """Mean of the draws of a negative control with the interval of that mean."""

    mean: Annotated[Figure, Inline.of(Figure)]
    draws: tuple[float | None, ...]


class NegativeControls(Entry):
    """Results of the whole procedure on data without a signal."""

    permuted_outcome_c: ControlFigure
    random_feature_gain: ControlFigure
    permuted_outcome_by_arm: dict[str, Figure]
    """Harrell's C of every arm, after one permutation of the outcome."""


class NoControls(Entry):
    """A validation fits nothing, so there is nothing to control."""


class RecalibratedFigures(Entry):
    """What risks are worth at the first horizon."""

    o_e: Figure
    brier: Figure


class RecalibratedArm(Entry):
    """Risks as they are, with a new level, and with a new level and slope."""

    as_it_is: RecalibratedFigures
    level: RecalibratedFigures
    level_and_slope: RecalibratedFigures


class Recalibration(Entry):
    """What a bundle's risks would be worth once they were set right on patients of the new cohort."""

    horizon_years: float
    folds: int | None = None
    arms: dict[str, RecalibratedArm]
    why: str | None = None
    """Why there are no figures."""


class OptimismRow(Entry):
    """One figure of an arm: in the patients that it was fitted on, and less what bootstrap cohorts flatter it by."""

    arm: str
    metric: str
    apparent: float | None
    optimism: float | None
    corrected: float | None


class Optimism(Entry):
    """Every step was fitted again in bootstrap cohorts, and each fit was asked about its own and the whole cohort."""

    samples: int
    rows: tuple[OptimismRow, ...]


class CrossValidation(Entry):
    """Every arm was fitted anew in each fold."""

    splits: str
    """SHA-256 of splits.json."""
    grouped_by: str
    """What no split parts: patient or site."""
    seed: int
    repeats: int
    folds: int
    negative_controls: NegativeControls
    embeddings: str | None
    """Digest of the bags."""
    vectors: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of the table of each block of vectors."""
    optimism: Optimism | None = None
    """None where it was not requested."""


class ReportedBundle(Entry):
    """The bundle that was validated."""

    name: str
    digest: str
    created: str


class ExternalValidation(Entry):
    """A bundle was asked about patients that it has not seen; nothing was refitted."""

    recalibration: Recalibration
    bundle: ReportedBundle
    splits: None
    negative_controls: NoControls
    embeddings: str | None
    """Digest of the bags."""
    vectors: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of the table of each block of vectors."""
    development: Development | None = None
    """Who the bundle was trained on; None where it does not say."""
    equations: tuple[ModelEquation, ...] = ()
    """Of the models that the report compares, as far as they are linear."""
    recalibrated: RecalibratedBundle | None = None
    """The bundle that was made of it on this cohort, if any."""
