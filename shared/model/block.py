"""Blocks of evidence: what is known or missing together, and how a model uses it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any, Literal

from pydantic import Field, model_validator

from shared.model.variable import Frozen, Variable

MOST_BLOCKS = 12
_MARKUP = frozenset("<>|")
"""Characters of a title that a Markdown table or a page would read."""
RESERVED = frozenset({"null", "rule", "fused", "early_concat", "gated", "gbm"})
"""Names of arms that are no choice of blocks, and the suffix of gradient boosting."""


class VectorFit(Frozen):
    """How the vectors of a block become one log-risk; every step is fitted inside the fold."""

    reduce: Literal["auto", "none", "components", "screen"] = "auto"
    """components: principal components; screen: the columns of the largest univariate Cox score; auto: none for few."""
    keep: int = Field(default=20, ge=1, le=200)
    """Components or columns that are kept."""
    model: Literal["ridge", "lightgbm"] = "ridge"

    @model_validator(mode="after")
    def _names_its_columns(self) -> "VectorFit":
        if self.model == "lightgbm" and self.reduce == "components":
            raise ValueError("lightgbm reads columns, not components: choose reduce none or screen")
        return self


class Block(Frozen):
    """One block of evidence."""

    name: str = Field(pattern=r"^[a-z][a-z0-9]{0,15}$")
    source: Literal["record", "slides", "vectors"]
    """record: variables of the clinical record; slides: bags of tile embeddings; vectors: one vector a case."""
    title: str = Field(default="", max_length=60)
    """What reports, page and scores call it; the name where it is empty."""
    log_risk: str = Field(default="", pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,63})?$")
    """Variable that holds the log-risk of slides or vectors; the name of such a block where it is empty."""
    fit: VectorFit = VectorFit()
    """Of a block of vectors."""

    @model_validator(mode="before")
    @classmethod
    def _with_names(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        names = {"title": value.get("title") or value.get("name", "")}
        if value.get("source") in ("slides", "vectors"):
            names["log_risk"] = value.get("log_risk") or value.get("name", "")
        return value | names

    @model_validator(mode="after")
    def _fits_its_source(self) -> "Block":
        if self.title != self.title.strip() or not self.title.isprintable() or _MARKUP & set(self.title):
            raise ValueError(f"block {self.name}: a title is one line of plain words, without <, > and |")
        if self.source == "record" and self.log_risk:
            raise ValueError(f"block {self.name}: a block of the record has no log_risk of its own")
        if self.source != "vectors" and self.fit != VectorFit():
            raise ValueError(f"block {self.name}: only a block of vectors has a fit")
        return self

    @property
    def variable(self) -> Variable | None:
        """The log-risk as a variable of models; None where the block has none."""
        if not self.log_risk:
            return None
        return Variable(name=self.log_risk, kind="numeric", block=self.name, unit="log hazard")


DEFAULT_BLOCKS = (
    Block(name="clinical", source="record"),
    Block(name="molecular", source="record"),
    Block(name="pathomic", source="slides", title="slides", log_risk="pathomics"),
)
"""Blocks of a profile that names none. A profile may also have ready-made columns of a block of slides or vectors."""


def check_blocks(blocks: Sequence[Block]) -> None:
    """Refuse blocks that no model could tell apart.

    Raises:
        ValueError: naming what is wrong.
    """
    if len(blocks) > MOST_BLOCKS:
        raise ValueError(f"blocks: there are {len(blocks)}, and {MOST_BLOCKS} are allowed")
    for text, names in (
        ("names", [block.name for block in blocks]),
        ("titles", [block.title.casefold() for block in blocks]),
        ("names of log-risks", [block.log_risk for block in blocks if block.log_risk]),
    ):
        if len(set(names)) < len(names):
            raise ValueError(f"blocks: {text} must differ")
    _check_arm_names(blocks)
    sources = [block.source for block in blocks]
    if "record" not in sources or sources.count("slides") > 1:
        raise ValueError("blocks: at least one is of the record, and at most one of slides")


def _check_arm_names(blocks: Sequence[Block]) -> None:
    """Refuse blocks of which two choices, or one and an arm that is no choice of blocks, would have one name."""
    parts = {name for block in blocks for name in (block.name, block.log_risk)}
    if taken := sorted(parts & RESERVED):
        raise ValueError(f"blocks: {taken[0]} is the name of something else in reports")
    choices = (chosen for size in range(1, len(blocks) + 1) for chosen in combinations(blocks, size))
    names = Counter(arm_name(chosen) for chosen in choices)
    if twice := sorted(name for name, count in names.items() if count > 1 or name in RESERVED):
        raise ValueError(f"blocks: {twice[0]} could be the name of two arms; choose other names or log-risks")


def arm_name(blocks: Iterable[Block]) -> str:
    """Name of the arm of some blocks: theirs, joined; slides and vectors by the name of their log-risk."""
    return "_".join(block.log_risk or block.name for block in blocks)
