"""Names of arms, blocks, columns and figures of merit, as people read them."""

import re

from services.trainer.report_model.patients import HazardRatio
from services.trainer.report_model.report import Report
from shared.model.block import Block, arm_name
from shared.words import listed

METHODS = {
    "null": "average risk",
    "rule": "rule",
    "fused": "late fusion",
    "early_concat": "early fusion",
    "gated": "gated network",
}
METRICS = {
    "uno_c": "Uno's C",
    "harrell_c": "Harrell's C",
    "ibs": "integrated Brier score (lower is better)",
    "net_benefit": "net benefit, mean at 20, 30 and 40 %",
}
_MATCHED = re.compile("(sensitivity|specificity)_at_(sensitivity|specificity)_(of_rule|[0-9.]+)_([0-9.]+)y")
TREES = "_gbm"
"""End of the name of an arm of gradient-boosted trees."""


def outcome_of(report: Report) -> str:
    """What the event of interest is, in the profile's words."""
    return report.cohort.meanings[report.cohort.event_of_interest]


def events_of(report: Report) -> int:
    """How many patients had the event of interest."""
    return report.cohort.events[report.cohort.event_of_interest]


def counted(report: Report) -> str:
    """How many patients had what, by the meaning of each code."""
    cohort = report.cohort
    return ", ".join(f"{count} {cohort.meanings[code]}" for code, count in cohort.events.items())


def blocks_of(arm: str, report: Report) -> tuple[Block, ...]:
    """The blocks that the name of an arm is made of, in order; empty where it is called by its method."""
    blocks, rest = [], arm
    for block in report.profile.blocks:
        own = arm_name([block])
        if rest == own or rest.startswith(f"{own}_"):
            blocks.append(block)
            rest = rest.removeprefix(own).removeprefix("_")
    return () if rest else tuple(blocks)


def shown_arm(name: str, report: Report) -> str:
    """An arm in a few words."""
    if name in METHODS:
        return METHODS[name]
    if name.endswith(TREES):
        return "LightGBM"
    blocks = blocks_of(name, report)
    if all(block.source == "record" for block in blocks):
        return " + ".join(block.title for block in blocks) or name.replace("_", " ")
    if len(blocks) == 1:
        return f"{blocks[0].title} alone"
    left = [block.title for block in _blocks_of_arms(report) if block not in blocks]
    return f"all but {left[0]}" if len(left) == 1 else " + ".join(block.title for block in blocks)


def _blocks_of_arms(report: Report) -> list[Block]:
    """The blocks that any arm of a report reads, in the order of the profile."""
    read = {block.name for arm in report.arms for block in blocks_of(arm, report)}
    return [block for block in report.profile.blocks if block.name in read]


def shown_blocks(names: str, report: Report) -> str:
    """Names of blocks between commas as their titles."""
    titles = {block.name: block.title for block in report.profile.blocks}
    return ", ".join(titles.get(name, name) for name in names.split(", "))


def evidence(report: Report) -> str:
    """Titles of the blocks beside the record that are known of anyone, as a sentence lists them; empty without any."""
    known = {name for modality in report.modalities for name in modality.name.split(", ")}
    blocks = (block for block in report.profile.blocks if block.source != "record" and block.name in known)
    return listed([_evidence(block, report) for block in blocks])


def _evidence(block: Block, report: Report) -> str:
    is_ready_made = block.source == "slides" and not report.cohort.with_slides
    return f"ready-made columns of {block.title}" if is_ready_made else block.title


def column_name(row: HazardRatio, report: Report) -> str:
    """A column of a Cox model in words, such as `Chang M stage >= M1`."""
    return row.column.replace(row.variable, report.profile.labels[row.variable], 1).removesuffix(".0")


def metric_name(name: str, report: Report) -> str:
    """A figure of merit in words; `auc_3y` is the AUC at 3 years.

    Of a bare yes or no by a horizon, C is the AUC and the integrated Brier score the one there.
    """
    if not report.profile.has_times:
        years = f"{report.horizons_years[0]:g}"
        name = {"uno_c": f"auc_{years}y", "harrell_c": f"auc_{years}y", "ibs": f"brier_{years}y"}.get(name, name)
    if matched := _MATCHED.fullmatch(name):
        rate, held, level, years = matched.groups()
        at = f"the rule's {held}" if level == "of_rule" else f"a {held} of {100 * float(level):g} %"
        return f"{rate} at {at}, {years} years"
    if name.startswith("brier_"):
        return f"Brier score at {name.removeprefix('brier_').removesuffix('y')} years (lower is better)"
    if name.startswith("auc_"):
        return f"AUC at {name.removeprefix('auc_').removesuffix('y')} years"
    return METRICS.get(name, name.replace("_", " "))
