"""What a model card says of a bundle."""

from services.trainer.metrics.bootstrap import Figure
from services.trainer.report_model.arms import Subgroup
from services.trainer.report_model.entry import Entry
from services.trainer.report_model.equation import ModelEquation
from services.trainer.report_model.patients import CohortSummary, PrototypeRow, ReportedProfile


class CardArm(Entry):
    """A model of the bundle, and what it is worth on patients left out of every step."""

    name: str
    needs: tuple[str, ...]
    """Titles of its blocks."""
    n: int
    harrell_c: Figure
    o_e: Figure
    """At the first horizon."""
    threshold: float
    sensitivity: Figure
    """Of the threshold, at the first horizon."""
    specificity: Figure


class CardGain(Entry):
    """What the model of all blocks gains in C over that of the record, on patients with both."""

    a: str
    b: str
    n: int
    gain: Figure


class CardVectors(Entry):
    """The table of a block of vectors."""

    title: str
    columns: int
    n: int
    """Patients who have the block."""
    digest: str
    """SHA-256 of the table."""


class ModelCard(Entry):
    """Data, performance and making of a bundle."""

    profile: ReportedProfile
    simulated: bool
    horizons_years: tuple[float, ...]
    cohort: CohortSummary
    notes: tuple[str, ...]
    reservations: tuple[str, ...] = ()
    """What speaks against the bundle and its models."""
    arms: tuple[CardArm, ...]
    gain: CardGain | None
    """None where one of both models is absent."""
    claim: str = ""
    """What was shown of the first model's sensitivity and specificity, and what was not; empty without a baseline."""
    subgroups: tuple[Subgroup, ...]
    """By the first of the models."""
    seed: int
    refits: int
    widest: float
    """Width of an interval above which no risk group is given."""
    widest_basis: str
    encoder: str | None
    vectors: tuple[CardVectors, ...] = ()
    prototypes: tuple[PrototypeRow, ...] = ()
    equations: tuple[ModelEquation, ...] = ()
    """Of the first model, and of that of the whole record."""
