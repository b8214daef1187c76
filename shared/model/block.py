"""Blocks of evidence: what is known or missing together, and how a model uses it."""

from typing import Literal

from shared.model.variable import Frozen, Variable

PATHOMIC = "pathomic"
"""The block of slides."""
PATHOMICS = "pathomics"
"""Name of the slides' log-risk among a model's variables; no profile may define it, no clinical record may hold it."""


class Block(Frozen):
    """One block of evidence."""

    name: str
    kind: Literal["record", "slides"]
    """record: variables of the clinical record; slides: bags of tile embeddings, one log-risk for all of them."""
    title: str
    """What reports and scores call it."""
    log_risk: str = ""
    """Variable that holds the log-risk of the block's evidence; empty for a block of the record alone."""

    @property
    def variable(self) -> Variable | None:
        """The log-risk as a variable of models; None where the block has none."""
        if not self.log_risk:
            return None
        return Variable(name=self.log_risk, kind="numeric", block=self.name, unit="log hazard")


BLOCKS = (
    Block(name="clinical", kind="record", title="clinical"),
    Block(name="molecular", kind="record", title="molecular"),
    Block(name=PATHOMIC, kind="slides", title="slides", log_risk=PATHOMICS),
)
"""Blocks of every profile. A profile may also have ready-made columns of a block of slides."""
