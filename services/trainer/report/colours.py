"""Colours of arms by the role that they have in a report, the same in every figure."""

from services.trainer.report.names import TREES, blocks_of
from services.trainer.report.svg import colour
from services.trainer.report_model.report import Report

_METHODS = ("rule", "early_concat", "gated")


def arm_colour(name: str, report: Report) -> str:
    """The colour of an arm; of several arms of one block alone, each has its own."""
    role = role_of(name, report)
    if role != "alone":
        return colour(role)
    alone = [arm for arm in report.arms if role_of(arm, report) == "alone"]
    return colour(role, alone.index(name) if name in alone else 0)


def role_of(name: str, report: Report) -> str:
    """primary, baseline, record (another arm of the record's blocks), alone (one other block), or the method."""
    if name in (report.secondary.a, report.secondary.b):
        return "primary" if name == report.secondary.a else "baseline"
    if name in _METHODS or name.endswith(TREES):
        return name if name in _METHODS else "trees"
    blocks = blocks_of(name, report)
    if blocks and all(block.source == "record" for block in blocks):
        return "record"
    return "alone" if len(blocks) == 1 else "other"
