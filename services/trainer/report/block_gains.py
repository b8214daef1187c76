"""What each block of evidence adds: all blocks, less that block."""

from dataclasses import dataclass

from services.trainer.report.names import blocks_of
from services.trainer.report_model.comparisons import ArmContrast
from services.trainer.report_model.report import Report
from shared.model.block import Block

METRIC = "uno_c"


@dataclass(frozen=True)
class BlockGain:
    """The gain of the primary arm over the arm of all blocks but one."""

    block: Block
    contrast: ArmContrast


def block_gains(report: Report) -> tuple[BlockGain, ...]:
    """One row a block in the order of the profile; none for blocks without such a contrast."""
    against = {
        frozenset(block.name for block in blocks_of(contrast.b, report)): contrast
        for contrast in report.contrasts
        if contrast.a == report.secondary.a and contrast.metric == METRIC
    }
    fused = frozenset[str]().union(*against, _alone(report))
    return tuple(
        BlockGain(block, against[fused - {block.name}])
        for block in report.profile.blocks
        if block.name in fused and fused - {block.name} in against
    )


def _alone(report: Report) -> frozenset[str]:
    """Blocks of slides or vectors that have an arm of their own."""
    arms = (blocks_of(name, report) for name in report.arms)
    return frozenset(blocks[0].name for blocks in arms if len(blocks) == 1 and blocks[0].source != "record")
