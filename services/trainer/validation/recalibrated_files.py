"""Writes a recalibrated bundle: its files, a card that says so first, and a reservation that names the cohort."""

from dataclasses import dataclass, replace
from pathlib import Path

from services.trainer.bundle.equation import bundle_equations, equation_text
from services.trainer.bundle.model_card import UNCALIBRATED
from services.trainer.bundle.served import ServedBundle, compared_models
from services.trainer.bundle.training_facts import TRAINING, TrainingFacts
from services.trainer.metrics.bootstrap import Figure
from services.trainer.recalibration_method import METHOD_WORDS, Method
from services.trainer.report_model.recalibrated import BeforeAfter, CalibrationAt
from shared.model.bundle_files import verify
from shared.model.bundle_writer import write_bundle
from shared.model.manifest import CALIBRATION, REFERENCE, THRESHOLDS, Manifest

CARD = "model_card.md"


@dataclass(frozen=True)
class RecalibrationFacts:
    """What a recalibrated bundle says of itself."""

    method: Method
    created: str
    cohort: str
    """Name of the cohort."""
    table: str
    """SHA-256 of its table."""
    simulated: bool
    patients: int
    events: int
    """By the first horizon."""
    years: float
    arms: dict[str, BeforeAfter]
    seen: dict[str, tuple[str, ...]]
    """Digests by which the cohort's cases are known again."""

    @property
    def basis(self) -> str:
        """What was done, on whom."""
        mark = "SIMULATED " if self.simulated else ""
        return (
            f"Recalibrated: {METHOD_WORDS[self.method]} set on {self.patients} {mark}patients of the table "
            f"{self.cohort} (SHA-256 {self.table[:12]}), {self.events} with the event by {self.years:g} years"
        )

    @property
    def reservation(self) -> str:
        """What speaks against the bundle until it is validated again."""
        return f"{self.basis}; what its risks are worth on patients of neither cohort is not known."


def write_recalibrated(source: Path, served: ServedBundle, facts: RecalibrationFacts, out: Path) -> str:
    """Write the bundle `served`, made from that of the folder `source`; gives its digest. It is not signed.

    Raises:
        BadTargetError: the folder holds something that is no bundle.
    """
    served = replace(served, training=_training(served, facts))
    old, bundle = verify(source), served.bundle
    calibration = bundle.calibration.model_copy(update={"basis": f"{facts.basis}."})
    files = {name: data for name, data in old.files.items() if name in old.manifest.files}
    changed = {ref.file: bundle.arms[ref.name].as_json() for ref in bundle.manifest.arms} | {
        CALIBRATION: calibration.model_dump(),
        THRESHOLDS: bundle.thresholds.model_dump(),
        REFERENCE: bundle.reference.as_json(),
        TRAINING: served.training.as_json(),
        CARD: recalibrated_card(files.get(CARD, b"").decode(), served, facts).encode(),
    }
    return write_bundle(out, files | changed, _manifest(old.manifest, facts), None)


def _training(served: ServedBundle, facts: RecalibrationFacts) -> TrainingFacts:
    seen = (*served.training.recalibrated_on, facts.seen)
    return served.training.model_copy(update={"recalibrated_on": seen})


def _manifest(old: Manifest, facts: RecalibrationFacts) -> dict[str, object]:
    content = old.model_dump(mode="json", exclude={"version", "notice", "files"})
    return content | {
        "name": f"{old.name}-recalibrated",
        "created": facts.created,
        "simulated": old.simulated or facts.simulated,
        "reservations": [*old.reservations, facts.reservation],
    }


def recalibrated_card(card: str, served: ServedBundle, facts: RecalibrationFacts) -> str:
    """The card with a section on the recalibration behind its first lines, and with the equations as they are now."""
    head, *sections = card.replace(UNCALIBRATED, "Its risks were recalibrated since.").split("\n\n## ")
    kept = [section for section in sections if not section.startswith(("Equation of ", "Recalibrated"))]
    equations = [
        f"Equation of {each.arm}\n\n{equation_text(each)}"
        for each in bundle_equations(served.bundle, compared_models(served))
    ]
    written = [head, f"Recalibrated\n\n{_section(served, facts)}", *kept, *equations]
    return "\n\n## ".join(section.rstrip("\n") for section in written) + "\n"


def _section(served: ServedBundle, facts: RecalibrationFacts) -> str:
    rows = ["| model | | O/E | slope | intercept | Brier score |", "|---|---|---|---|---|---|"]
    for name, each in facts.arms.items():
        rows += [_row(name, "before", each.before), _row("", "after", each.after)]
    limits = ", ".join(
        f"{name} {limit:.3f}" for name, limit in served.training.thresholds.items() if name in facts.arms
    )
    return "\n".join(
        [
            f"{facts.basis}. Figures at {facts.years:g} years, with 95 % intervals; those after it are of patients "
            "left out of the recalibration, by cross-validation. They are not a validation: that takes patients of "
            "another cohort.",
            "",
            *rows,
            "",
            "The order of patients is that of the model before. The sections below are of the model before, its "
            f"limits as they were; limits between groups moved with the risks and are now: {limits}. The interval of "
            "a score has the width that it had, and not what is uncertain about the recalibration.",
        ]
    )


def _row(name: str, when: str, at: CalibrationAt) -> str:
    cells = [name, when, *(_shown(figure) for figure in (at.o_e, at.slope, at.intercept, at.brier))]
    return f"| {' | '.join(cells)} |"


def _shown(figure: Figure) -> str:
    if figure.est is None:
        return "not estimable"
    ends = "" if figure.lo is None else f" ({figure.lo:.2f} to {figure.hi:.2f})"
    return f"{figure.est:.3f}{ends}"
