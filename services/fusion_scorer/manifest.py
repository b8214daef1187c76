"""The small JSON files of a bundle, as types: bundle.json, calibration.json, thresholds.json, reference.json."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, StringConstraints, field_serializer, model_validator

from shared.model.profile import Profile
from shared.model.variable import Frozen
from shared.notice import NOTICE

MIL = "mil.onnx"
CALIBRATION, THRESHOLDS, REFERENCE = "calibration.json", "thresholds.json", "reference.json"

Hex256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class EncoderRef(Frozen):
    """The encoder whose bags the bundle reads."""

    name: str
    digest: Hex256


class ArmRef(Frozen):
    """A model of the bundle and the blocks of variables it needs; of several that can serve a case the first does."""

    name: str
    file: FileName
    blocks: tuple[str, ...] = Field(min_length=1)


class Manifest(Frozen):
    """bundle.json: what the bundle is, and the SHA-256 of every other file. Its own SHA-256 is the bundle's digest."""

    version: Literal[1] = 1
    name: str
    created: str
    profile: Profile
    encoder: EncoderRef | None = None
    """None for a bundle without pathomics."""
    arms: tuple[ArmRef, ...] = Field(min_length=1)
    files: dict[FileName, Hex256]
    simulated: bool
    notice: str = NOTICE

    @field_serializer("profile")
    def _served_profile(self, profile: Profile) -> dict[str, Any]:
        return profile.served()


class Recalibration(Frozen):
    """Intercept and slope on the scale of log(-log(1 - risk)); 0 and 1 leave a risk as it is."""

    intercept: float = 0.0
    slope: PositiveFloat = 1.0


class Calibration(Frozen):
    """calibration.json: for each arm, a recalibration for each horizon (`3` or `2.5` years as text)."""

    arms: dict[str, dict[str, Recalibration]] = Field(default_factory=dict)
    """An arm or horizon that is not named is served as its model gives it."""
    basis: str = ""
    """Where the recalibrations came from, or why there are none, in words."""

    def of(self, arm: str, horizon_years: float) -> Recalibration:
        """The recalibration of an arm's risk at a horizon."""
        return self.arms.get(arm, {}).get(f"{horizon_years:g}", Recalibration())


class Group(Frozen):
    """A risk group: everything under `below` that no earlier group took; None for the last."""

    name: str
    below: float | None = None


class GroupRule(Frozen):
    """How the risk at one horizon becomes a group, and where the limits came from, in words."""

    horizon_years: PositiveFloat
    groups: tuple[Group, ...] = Field(min_length=1)
    basis: str

    @model_validator(mode="after")
    def _rises_to_the_open_end(self) -> Self:
        limits = [item.below for item in self.groups]
        closed = [limit for limit in limits if limit is not None]
        if limits[-1] is not None or len(closed) != len(limits) - 1 or sorted(set(closed)) != closed:
            raise ValueError("the limits of the groups must rise, and only the last group has none")
        return self


class Thresholds(Frozen):
    """thresholds.json: the rule of each arm."""

    arms: dict[str, GroupRule] = Field(default_factory=dict)


class Limits(Frozen):
    """Distance above which a case is flagged, and above which the scorer abstains."""

    flag: PositiveFloat
    abstain: PositiveFloat


class EmbeddingReference(Frozen):
    """Where the training cohort's pooled embeddings lie: mean [d], principal axes [k, d], spread along and off them."""

    mean: tuple[float, ...]
    axes: tuple[tuple[float, ...], ...]
    spread: tuple[PositiveFloat, ...]
    """Standard deviation along each axis."""
    residual: PositiveFloat
    """Root mean square length of what the axes leave over."""
    limits: Limits


class ColourReference(Frozen):
    """Where the stain colours of the training cohort's slides lie, as the planner measures them: k numbers a slide."""

    mean: tuple[float, ...]
    """[k]."""
    whitening: tuple[tuple[float, ...], ...]
    """[k, k]: takes an offset from the mean to coordinates of about one."""
    limits: Limits


class SlideReference(Frozen):
    """Where single slides of the training cohort lie, and what becomes of a slide beyond the limit to abstain."""

    embedding: EmbeddingReference
    """Of the slides' mean embeddings."""
    colours: ColourReference | None = None
    """None where the plans of the training slides say no colours."""
    beyond: Literal["leave_out", "abstain"] = "leave_out"
    none_left: Literal["abstain", "other_models"] = "abstain"
    """What becomes of a case whose every slide is left out."""


class NumericReference(Frozen):
    """Where a numeric variable lay in training."""

    mean: float
    spread: PositiveFloat
    limits: Limits
    """In standard deviations."""


class Reference(Frozen):
    """reference.json: the training distribution."""

    log_risk: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """For each arm, evenly spaced quantiles of the log-risk, from minimum to maximum."""
    embedding: EmbeddingReference | None = None
    slides: SlideReference | None = None
    """None in bundles whose slides are compared with the training cohort only all together."""
    numeric: dict[str, NumericReference] = Field(default_factory=dict)
