"""All arms of a profile, in the order of the report; to add one, write its file and name it here."""

from collections.abc import Collection, Container, Iterable, Iterator

from services.trainer.arms.alone import Alone
from services.trainer.arms.arm import Arm
from services.trainer.arms.early_concat import EarlyConcat
from services.trainer.arms.fusion import AllBut, Fused, LateFusion
from services.trainer.arms.gated import Gated
from services.trainer.arms.gradient_boosting import GradientBoosting
from services.trainer.arms.known_blocks import capital, record_words
from services.trainer.arms.null import Null
from services.trainer.arms.rule import RULE, ClinicalRule
from shared.model.block import Block
from shared.model.profile import Profile
from shared.words import listed

PRIMARY = "fused"
"""The primary contrast is this arm less that of `baseline`."""


def arms_of(profile: Profile, blocks: Collection[str] | None = None) -> tuple[Arm, ...]:
    """Every arm once; one that a cohort does not support says so.

    `blocks` are those that a cohort has, see `blocks_of_cohort`: arms of several blocks are named after these alone.
    """
    by_name: dict[str, Arm] = {}
    for arm in _candidates(profile, profile.block_names if blocks is None else blocks):
        by_name.setdefault(arm.name, arm)
    return tuple(by_name.values())


def _candidates(profile: Profile, blocks: Collection[str]) -> Iterator[Arm]:
    """Arms in order; of a profile with few blocks one may occur under two heads, and the first counts."""
    evidence = [block for block in profile.evidence_blocks if block.name in blocks] or profile.evidence_blocks
    titles = [block.title for block in evidence]
    yield from (Null(), ClinicalRule())
    yield from (*_of_record(profile), *_alone(profile))
    yield Fused(PRIMARY, f"{listed(['{table}', *titles])}, late fusion", profile.block_names)
    yield from all_but(profile, blocks)
    yield from (EarlyConcat(_early_title(evidence)), Gated(_gated_title(evidence)))


def _of_record(profile: Profile) -> tuple[Arm, ...]:
    blocks = profile.record_blocks
    first = LateFusion(first_record_arm(profile), f"{capital(profile.title_of(blocks[0]))} variables", blocks[:1])
    joined = LateFusion(record_arm(profile), f"{capital(record_words(profile, 'and'))} variables", blocks)
    return (first, joined, GradientBoosting(gbm(profile)))


def _alone(profile: Profile) -> tuple[Arm, ...]:
    return tuple(
        Alone(block.log_risk, f"{capital(block.title)} alone", (block.name,)) for block in profile.evidence_blocks
    )


def all_but(profile: Profile, blocks: Collection[str]) -> tuple[AllBut, ...]:
    """Late fusion of the blocks that a cohort has less each in turn; none where it has nothing to fuse."""
    names = [name for name in profile.block_names if name in blocks]
    if len(names) == 1 or not any(block.name in names for block in profile.evidence_blocks):
        return ()
    return tuple(
        AllBut(
            without(profile, names, name),
            f"All blocks but {profile.title_of(name)}, late fusion",
            tuple(other for other in names if other != name),
            name,
        )
        for name in names
    )


def shown_arms(profile: Profile) -> tuple[str, ...]:
    """Names of the arms that figures show beside each other."""
    alone = (block.log_risk for block in profile.evidence_blocks)
    return tuple(dict.fromkeys((RULE, first_record_arm(profile), record_arm(profile), *alone, PRIMARY)))


def first_record_arm(profile: Profile) -> str:
    """Name of the arm of the record's first block."""
    return profile.arm_name(profile.record_blocks[:1])


def record_arm(profile: Profile) -> str:
    """Name of the arm of all blocks of the record."""
    return profile.arm_name(profile.record_blocks)


def gbm(profile: Profile) -> str:
    """Name of the arm of gradient boosting."""
    return f"{record_arm(profile)}_gbm"


def without(profile: Profile, blocks: Iterable[str], left_out: str) -> str:
    """Name of the arm of all `blocks` but one."""
    return profile.arm_name(name for name in blocks if name != left_out)


def baseline(profile: Profile, arms: Container[str]) -> str:
    """The arm that the primary one has to beat: all of the record; its first block where another is not known."""
    name = record_arm(profile)
    return name if name in arms else first_record_arm(profile)


def _early_title(evidence: Iterable[Block]) -> str:
    pooled = ("pooled embeddings" if block.source == "slides" else block.title for block in evidence)
    return f"{listed(['{table}', *pooled])}, early fusion"


def _gated_title(evidence: Iterable[Block]) -> str:
    vectors = (block.title for block in evidence if block.source == "vectors")
    return f"{listed(['{table}', *vectors, 'tiles'])}, gated network"
