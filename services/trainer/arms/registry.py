"""All arms of a profile, in the order of the report; to add one, write its file and name it here."""

from collections.abc import Container, Iterator

from services.trainer.arms.alone import Alone
from services.trainer.arms.arm import Arm
from services.trainer.arms.early_concat import EarlyConcat
from services.trainer.arms.fusion import AllBut, Fused, LateFusion
from services.trainer.arms.gated import Gated
from services.trainer.arms.gradient_boosting import GradientBoosting
from services.trainer.arms.known_blocks import capital, evidence_title, listed, record_words
from services.trainer.arms.null import Null
from services.trainer.arms.rule import RULE, ClinicalRule
from shared.model.profile import Profile

PRIMARY = "fused"
"""The primary contrast is this arm less that of `baseline`."""


def arms_of(profile: Profile) -> tuple[Arm, ...]:
    """Every arm once; one that a cohort does not support says so."""
    by_name: dict[str, Arm] = {}
    for arm in _candidates(profile):
        by_name.setdefault(arm.name, arm)
    return tuple(by_name.values())


def _candidates(profile: Profile) -> Iterator[Arm]:
    """Arms in order; of a profile with few blocks one may occur under two heads, and the first counts."""
    yield from (Null(), ClinicalRule())
    yield from (*_of_record(profile), *_of_evidence(profile), *all_but(profile))
    yield from (EarlyConcat(_early_title(profile)), Gated(_gated_title(profile)))


def _of_record(profile: Profile) -> tuple[Arm, ...]:
    blocks = profile.record_blocks
    first = LateFusion(first_record_arm(profile), f"{capital(profile.title_of(blocks[0]))} variables", blocks[:1])
    joined = LateFusion(record_arm(profile), f"{capital(record_words(profile, 'and'))} variables", blocks)
    return (first, joined, GradientBoosting(gbm(profile)))


def _of_evidence(profile: Profile) -> tuple[Arm, ...]:
    alone = (
        Alone(block.log_risk, f"{capital(evidence_title(block))} alone", (block.name,))
        for block in profile.evidence_blocks
    )
    titles = listed(["{table}", *map(evidence_title, profile.evidence_blocks)])
    return (*alone, Fused(PRIMARY, f"{titles}, late fusion", profile.block_names))


def all_but(profile: Profile) -> tuple[AllBut, ...]:
    """Late fusion less each block in turn, in a profile with blocks of vectors.

    Without such blocks what is added to the record is the one question, and the primary contrast answers it.
    """
    if not profile.vectors:
        return ()
    return tuple(
        AllBut(
            without(profile, name),
            f"All blocks but {profile.title_of(name)}, late fusion",
            tuple(other for other in profile.block_names if other != name),
            name,
        )
        for name in profile.block_names
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


def without(profile: Profile, block: str) -> str:
    """Name of the arm of all blocks but one."""
    return profile.arm_name(name for name in profile.block_names if name != block)


def baseline(profile: Profile, arms: Container[str]) -> str:
    """The arm that the primary one has to beat: all of the record; its first block where another is not known."""
    name = record_arm(profile)
    return name if name in arms else first_record_arm(profile)


def _early_title(profile: Profile) -> str:
    embeddings = ["pooled embeddings"] if profile.slides else []
    return f"{listed(['{table}', *embeddings, *(block.title for block in profile.vectors)])}, early fusion"


def _gated_title(profile: Profile) -> str:
    return f"{listed(['{table}', *(block.title for block in profile.vectors), 'tiles'])}, gated network"
