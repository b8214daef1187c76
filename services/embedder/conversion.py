"""How an encoder was converted from a network: weights, licence, precision, and how closely it was checked."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Precision = Literal["float32", "float16"]
Use = Literal["research", "commercial"]


class Terms(BaseModel):
    """Terms of use of an encoder's weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    """SPDX identifier, or the owner's name for it."""
    url: str | None = None
    commercial: bool
    """Whether commercial use is allowed."""
    derivatives: bool = True
    """Whether changed weights may be shared; a conversion is one."""
    gated: bool = False
    """Whether the owner grants access person by person."""
    note: str | None = None


class Parity(BaseModel):
    """How far the encoder's features lie from those of the network that it was made from, on the same tiles."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    reference: str = Field(min_length=1)
    """What computed the other features."""
    tiles: int = Field(ge=1)
    largest_difference: float = Field(ge=0)
    """Of any feature of any tile, absolute."""
    share_of_norm: float = Field(ge=0)
    """The same as a share of the tile's Euclidean norm."""
    cosine: float
    """Smallest cosine of any tile."""


class Conversion(BaseModel):
    """How `medulla encoder export` made an encoder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str = Field(min_length=1)
    """Architecture, or the file that holds it."""
    weights_digest: Digest | None = None
    """Lower-case hex SHA-256 of the file of weights; None for random ones."""
    random_seed: int | None = None
    """Seed of random weights, whose features mean nothing."""
    pooling: str
    interpolation: str
    precision: Precision
    """Of the stored weights; features are computed in float32."""
    opset: int
    terms: Terms
    use: Use
    """What the encoder was exported for."""
    acknowledged: bool
    """Whether the terms of the weights were acknowledged."""
    citation: str | None = None
    parity: Parity
