"""The model card: data, performance, limits, and when a bundle abstains."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.registry import PRIMARY, record_arm
from services.trainer.bundle.served_arms import ServedArm
from services.trainer.cohort.cohort import Cohort
from services.trainer.metrics import calibration, discrimination
from services.trainer.metrics.bootstrap import Bootstrap, Figure
from services.trainer.metrics.decision import threshold_for
from services.trainer.metrics.statistic import Difference
from services.trainer.metrics.verdict import verdict

SIMULATED = "SIMULATED: these patients never lived; nothing here says anything about a patient."
UNCALIBRATED = (
    "Risks are not recalibrated: each baseline hazard was fitted on the training cohort, and the model card's O/E says "
    "how well that holds out of fold."
)
_LEAST = 5


@dataclass(frozen=True)
class CardFacts:
    """What the card describes."""

    cohort: Cohort
    arms: Sequence[ServedArm]
    notes: Sequence[str]
    seed: int
    refits: int
    encoder: str | None


def model_card(facts: CardFacts) -> str:
    """Markdown, the same for the same facts."""
    cohort = facts.cohort
    mark = f"**{SIMULATED}**\n\n" if cohort.simulated else ""
    parts = [
        f"# {cohort.profile.title or cohort.profile.name}{' (SIMULATED)' if cohort.simulated else ''}",
        f"{mark}Research use only. Not for diagnosis or treatment decisions.",
        "## Asked\n\n" + _question(cohort),
        "## Data\n\n" + _data(facts),
        "## Models and figures\n\nEach patient by models and networks fitted anew without them, with 95 % bootstrap "
        "intervals; an external validation says more.\n\n" + _figures(facts),
        "## Subgroups\n\nHarrell's C of the first model, out of fold.\n\n" + _subgroups(facts),
        "## When it abstains\n\n" + _abstains(facts),
        "## How it was made\n\n" + _method(facts),
    ]
    return "\n\n".join(parts) + "\n"


def _question(cohort: Cohort) -> str:
    codes, causes = cohort.profile.outcome.codes, cohort.profile.outcome.causes
    years = " and ".join(f"{value:g}" for value in cohort.profile.horizons_years)
    competing = ", ".join(codes[code] for code in causes[2:]) or "none"
    return (
        f"Probability of {codes[causes[1]]} within {years} years. Competing events: {competing}. "
        f"Population: {cohort.profile.population or 'as in the training cohort'}. "
        f"Prediction time: {cohort.profile.prediction_time or 'not stated'}."
    )


def _data(facts: CardFacts) -> str:
    cohort = facts.cohort
    codes = cohort.profile.outcome.codes
    counts = ", ".join(
        f"{codes[code]} {int((cohort.outcome.event == i).sum())}"
        for i, code in enumerate(cohort.profile.outcome.causes)
    )
    sites = f" of {len(set(cohort.sites))} sites" if all(cohort.sites) else ""
    lines = [f"{len(cohort)} patients{sites}; {counts}.", f"SHA-256 of the table: `{cohort.digest}`."]
    return "\n".join(f"- {line}" for line in [*lines, *facts.notes])


def _figures(facts: CardFacts) -> str:
    years = facts.cohort.profile.horizons_years[0]
    rows = ["| model | needs | patients | Harrell's C | O/E at horizon | threshold |", "|---|---|---|---|---|---|"]
    for arm in facts.arms:
        outcome, risk = facts.cohort.outcome[arm.members], arm.out_of_fold.risk[:, arm.model.horizon]
        draws = Bootstrap.of(len(outcome), facts.seed, 500)
        c = draws.figure(discrimination.harrell_c(outcome, arm.out_of_fold.log_risk))
        ratio = draws.figure(calibration.observed_over_expected(outcome, risk, years))
        cells = [arm.name, " + ".join(sorted(arm.pattern)), len(outcome), _shown(c), _shown(ratio)]
        rows.append(f"| {' | '.join(map(str, cells))} | {threshold_for(outcome, risk, years):.3f} |")
    return "\n".join([*rows, "", *_gain(facts)])


def _gain(facts: CardFacts) -> list[str]:
    """The gain of every block over the record, on patients with both."""
    arms, base = {arm.name: arm for arm in facts.arms}, record_arm(facts.cohort.profile)
    if not {PRIMARY, base} <= arms.keys():
        return []
    fused, table = arms[PRIMARY], arms[base]
    place = np.searchsorted(table.members, fused.members)
    outcome = facts.cohort.outcome[fused.members]
    first = discrimination.harrell_c(outcome, fused.out_of_fold.log_risk)
    second = discrimination.harrell_c(outcome, table.out_of_fold.log_risk[place])
    gain = Bootstrap.of(len(outcome), facts.seed, 500).figure(Difference(first, second))
    conclusion = "nothing to say" if gain.lo is None or gain.hi is None else verdict(gain.lo, gain.hi)
    who = f"on the {len(outcome)} patients who have both"
    return [f"Gain of {PRIMARY} over {base} in C {who}: {_shown(gain)}; {conclusion}."]


def _subgroups(facts: CardFacts) -> str:
    arm, cohort = facts.arms[0], facts.cohort
    rows = ["| subgroup | patients | events | C |", "|---|---|---|---|"]
    inside = cohort.take(arm.members)
    for name, text in cohort.profile.subgroups.items():
        index = np.flatnonzero(inside.holds(cohort.profile.expression(text)))
        events = int(inside.outcome.is_event[index].sum())
        figure = "too few events"
        if events >= _LEAST:
            statistic = discrimination.harrell_c(inside.outcome[index], arm.out_of_fold.log_risk[index])
            figure = _shown(Bootstrap.of(len(index), facts.seed, 500).figure(statistic))
        rows.append(f"| {name} | {len(index)} | {events} | {figure} |")
    return "\n".join(rows)


def _abstains(facts: CardFacts) -> str:
    slides = (
        "whose slides' mean embedding lies 1.5 times farther from the training cohort than any left-out training case, "
        if facts.encoder
        else ""
    )
    return (
        f"For a case {slides}with a number more than 8 standard deviations from the training mean, or of which nothing "
        "is known that a model uses. Past the 99th percentile (embedding) or 4 standard deviations (numbers) a score "
        f"is flagged. {_left_out(facts)}A missing block is served by the model of the others; a missing image is never "
        "imputed."
    )


def _left_out(facts: CardFacts) -> str:
    if not facts.encoder:
        return ""
    return (
        "A single slide whose mean embedding or staining lies 1.3 times farther from the training slides than any "
        "left-out training slide is left out of the score, which says so; where none is left, the case abstains. "
    )


def _method(facts: CardFacts) -> str:
    encoder = f"Encoder {facts.encoder}, frozen; gated attention, discrete-time hazards. " if facts.encoder else ""
    read = "the variables and the out-of-fold log-risk" if encoder else "the variables"
    return (
        f"{encoder}Cause-specific ridge Cox models of {read}, "
        f"penalty by cross-validated partial likelihood; {facts.refits} refits for the 90 % interval, which speaks of "
        "the finite training cohort, of what is not known of the case and of how far networks disagree; of causes that "
        f"neither variables nor slides show it cannot speak. {UNCALIBRATED} Seed {facts.seed}."
    )


def _shown(figure: Figure) -> str:
    if figure.est is None or figure.lo is None or figure.hi is None:
        return "cannot be told"
    return f"{figure.est:.3f} ({figure.lo:.3f} to {figure.hi:.3f})"
