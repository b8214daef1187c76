"""bundle.json: what a bundle is, and the SHA-256 of its files."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_serializer

from shared.model.profile import Profile
from shared.model.variable import Frozen
from shared.notice import NOTICE

MANIFEST = "bundle.json"
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
    reservations: tuple[str, ...] = ()
    """What speaks against this model, in words; the scores that it gives repeat it."""


class Manifest(Frozen):
    """bundle.json: what the bundle is, and the SHA-256 of every other file. Its own SHA-256 is the bundle's digest."""

    version: Literal[1] = 1
    name: str
    created: str
    profile: Profile
    encoder: EncoderRef | None = None
    """None for a bundle without a model of slides."""
    arms: tuple[ArmRef, ...] = Field(min_length=1)
    files: dict[FileName, Hex256]
    simulated: bool
    reservations: tuple[str, ...] = ()
    """What speaks against all of its models, in words; every score repeats it."""
    notice: str = NOTICE

    @property
    def every_reservation(self) -> tuple[str, ...]:
        """What speaks against the bundle and against each of its models; to promote it despite these takes a flag."""
        return (*self.reservations, *(sentence for arm in self.arms for sentence in arm.reservations))

    @field_serializer("profile")
    def _served_profile(self, profile: Profile) -> dict[str, Any]:
        return profile.served()
