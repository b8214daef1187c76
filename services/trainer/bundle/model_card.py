"""The model card in Markdown: data, performance, limits, and when a bundle abstains."""

from collections.abc import Sequence

from services.trainer.bundle.equation import equation_text
from services.trainer.metrics.bootstrap import NO_FIGURE, Figure
from services.trainer.metrics.verdict import verdict
from services.trainer.report_model.card import ModelCard
from shared.words import listed

SIMULATED = "SIMULATED: these patients never lived; nothing here says anything about a patient."
UNCALIBRATED = (
    "Risks are not recalibrated: each baseline hazard was fitted on the training cohort, and the model card's O/E says "
    "how well that holds out of fold."
)

_SLIDES = (
    "hazards of tiles: prototypes of three sizes of clustering and the slides' axes, weighed by a plain or an adaptive "
    "ridge Cox model, whichever is likelier out of fold, or by none; the log-risk is the tiles' mean log hazard, the "
    "attention of a tile its share of the summed hazard."
)


def model_card(card: ModelCard) -> str:
    """Markdown, the same for the same card."""
    mark = f"**{SIMULATED}**\n\n" if card.simulated else ""
    parts = [
        f"# {card.profile.title or card.profile.name}{' (SIMULATED)' if card.simulated else ''}",
        f"{mark}Research use only. Not for diagnosis or treatment decisions.",
        *([_claim(card)] if card.claim else []),
        *(["## Read this first\n\n" + _listed(card.reservations)] if card.reservations else []),
        "## Asked\n\n" + _question(card),
        "## Data\n\n" + _data(card),
        "## Models and figures\n\nEach patient by models fitted anew without them, with 95 % bootstrap "
        "intervals; an external validation says more.\n\n" + _figures(card),
        "## Risk groups and certainty\n\n" + _groups(card),
        f"## Subgroups\n\n{_order(card)} of the first model, out of fold.\n\n" + _subgroups(card),
        *([f"## Prototypes\n\n{_prototypes(card)}"] if card.prototypes else []),
        *(f"## Equation of {each.arm}\n\n{equation_text(each)}" for each in card.equations),
        "## When it abstains\n\n" + _abstains(card),
        "## How it was made\n\n" + _method(card),
    ]
    return "\n\n".join(parts) + "\n"


def _claim(card: ModelCard) -> str:
    mark = "SIMULATED: " if card.simulated else ""
    return (
        f"{mark}{card.claim} Differences with 95 % bootstrap intervals, on training patients who were left out of "
        "every step; a gain is shown where it holds among these comparisons by Holm's method, a loss by its interval."
    )


def _listed(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _question(card: ModelCard) -> str:
    meanings, event = card.cohort.meanings, card.cohort.event_of_interest
    years = listed([f"{value:g}" for value in card.horizons_years])
    competing = ", ".join(list(meanings.values())[2:]) or "none"
    return (
        f"Probability of {meanings[event]} within {years} years. Competing events: {competing}. "
        f"Population: {card.profile.population or 'as in the training cohort'}. "
        f"Prediction time: {card.profile.prediction_time or 'not stated'}."
    )


def _data(card: ModelCard) -> str:
    cohort = card.cohort
    counts = ", ".join(f"{cohort.meanings[code]} {count}" for code, count in cohort.events.items())
    sites = f" of {cohort.sites} sites" if cohort.sites else ""
    lines = [f"{cohort.n} patients{sites}; {counts}.", f"SHA-256 of the table: `{cohort.digest}`."]
    lines += [
        f"{block.title}: {block.columns} columns of {block.n} patients; SHA-256 of the table: `{block.digest}`."
        for block in card.vectors
    ]
    return _listed([*lines, *card.notes])


def _figures(card: ModelCard) -> str:
    heads = ("model", "needs", "patients", _order(card), "O/E at horizon", "threshold")
    rows = [f"| {' | '.join(heads)} |", "|---|---|---|---|---|---|"]
    for arm in card.arms:
        cells = [arm.name, " + ".join(arm.needs), str(arm.n), _shown(arm.harrell_c), _shown(arm.o_e)]
        rows.append(f"| {' | '.join(cells)} | {arm.threshold:.3f} |")
    return "\n".join([*rows, "", *_gain(card)])


def _groups(card: ModelCard) -> str:
    """What the thresholds are worth, and when a score names no group."""
    event, years = card.cohort.meanings[card.cohort.event_of_interest], card.horizons_years[0]
    rows = ["| model | threshold | sensitivity | specificity |", "|---|---|---|---|"]
    rows += [
        f"| {arm.name} | {arm.threshold:.3f} | {_shown(arm.sensitivity)} | {_shown(arm.specificity)} |"
        for arm in card.arms
    ]
    return "\n".join(
        [
            f"From the threshold on a case has a higher risk of {event} by {years:g} years, under it a lower one. "
            f"Sensitivity is the share at or above it of patients with {event} by then, specificity the share under it "
            "of those without, out of fold with 95 % intervals.",
            "",
            *rows,
            "",
            "A score names no group where its 90 % interval reaches across the threshold (`crosses_threshold`), or is "
            f"wider than {100 * card.widest:.3g} percentage points (`too_uncertain`): {card.widest_basis}.",
        ]
    )


def _order(card: ModelCard) -> str:
    """Name of the figure that says how well patients are ordered; of a yes or no, C is the AUC."""
    return "Harrell's C" if card.profile.has_times else "AUC"


def _gain(card: ModelCard) -> list[str]:
    if card.gain is None:
        return []
    gain = card.gain.gain
    conclusion = "nothing to say" if gain.lo is None or gain.hi is None else verdict(gain.lo, gain.hi)
    figure = "C" if card.profile.has_times else "AUC (DeLong)"
    who = f"on the {card.gain.n} patients who have both"
    return [f"Gain of {card.gain.a} over {card.gain.b} in {figure} {who}: {_shown(gain)}; {conclusion}."]


def _subgroups(card: ModelCard) -> str:
    rows = [f"| subgroup | patients | events | {'C' if card.profile.has_times else 'AUC'} |", "|---|---|---|---|"]
    for subgroup in card.subgroups:
        figure = next((_shown(figure) for figure in subgroup.harrell_c.values()), "too few events")
        rows.append(f"| {subgroup.name} | {subgroup.n} | {subgroup.events} | {figure} |")
    return "\n".join(rows)


def _prototypes(card: ModelCard) -> str:
    rows = ["| prototype | share of tiles | hazard ratio | |", "|---|---|---|---|"]
    for row in card.prototypes:
        ratio = _shown(row.hazard_ratio_per_sd or NO_FIGURE)
        rows.append(f"| {row.prototype} | {row.mean_share or 0:.3f} | {ratio} | {row.association} |")
    return "\n".join(
        [
            "Groups of similar tiles, found without labels; nothing is predicted by these. The hazard ratio is of one "
            "standard deviation of the share among a patient's tiles, alone in a Cox model of the training cohort, "
            "with its 95 % interval; it is not adjusted for anything, and not for the number of prototypes.",
            "",
            *rows,
        ]
    )


def _abstains(card: ModelCard) -> str:
    slides = (
        "whose slides' mean embedding lies 1.5 times farther from the training cohort than any left-out training case, "
        if card.encoder
        else ""
    )
    vectors = "with a vector 1.5 times farther from training than any left-out one, " if card.vectors else ""
    return (
        f"For a case {slides}{vectors}with a number more than 8 standard deviations from the training mean, or of "
        "which nothing is known that a model uses. Past the 99th percentile (embedding) or 4 standard deviations "
        f"(numbers) a score is flagged. {_left_out(card)}A missing block is served by the model of the others; a "
        "missing image is never "
        "imputed."
    )


def _left_out(card: ModelCard) -> str:
    if not card.encoder:
        return ""
    return (
        "A single slide whose mean embedding or staining lies 1.3 times farther from the training slides than any "
        "left-out training slide is left out of the score, which says so; where none is left, the case abstains. "
    )


def _method(card: ModelCard) -> str:
    encoder = f"Encoder {card.encoder}, frozen; {_SLIDES} " if card.encoder else ""
    read = "the variables and the out-of-fold log-risk" if encoder or card.vectors else "the variables"
    read += "s of blocks" if card.vectors else ""
    vectors = f"{_vector_method(card)} " if card.vectors else ""
    learners, shown = _evidence(card)
    return (
        f"{encoder}{vectors}Cause-specific ridge Cox models of {read}, "
        f"penalty by cross-validated partial likelihood; {card.refits} refits for the 90 % interval, which speaks of "
        f"the finite training cohort, of what is not known of the case{learners}; of causes that {shown} it cannot "
        f"speak. {UNCALIBRATED} Seed {card.seed}."
    )


def _evidence(card: ModelCard) -> tuple[str, str]:
    """What adds to intervals beside the variables, and where causes show; as far as the bundle has read it."""
    if card.vectors:
        return " and of how far models of a block disagree", "neither variables nor slides or vectors show"
    if card.encoder:
        return " and of how far models of slides disagree", "neither variables nor slides show"
    return "", "the variables do not show"


def _vector_method(card: ModelCard) -> str:
    titles = ", ".join(block.title for block in card.vectors)
    return (
        f"Vectors ({titles}): columns standardised, a missing value as the training mean, reduced and read by a model "
        "of the block alone, which gives one log-risk."
    )


def _shown(figure: Figure) -> str:
    if figure.est is None or figure.lo is None or figure.hi is None:
        return "not estimable"
    return f"{figure.est:.3f} ({figure.lo:.3f} to {figure.hi:.3f})"
