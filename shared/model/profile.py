"""A cohort's variables, outcome and horizons, as data of a profile file and of every bundle."""

import re
from collections.abc import Container, Iterable
from functools import cached_property
from typing import Any, Self

from pydantic import Field, PositiveFloat, SerializerFunctionWrapHandler, model_serializer, model_validator

from shared.model.block import DEFAULT_BLOCKS, Block, arm_name, check_blocks
from shared.model.rule import Rule, parse_rule
from shared.model.variable import UNKNOWN_TREATMENT, Check, Frozen, Variable, Word
from shared.model.vocabulary import Vocabulary, check_vocabulary

RESERVED = ("case_id", "site_id", "simulated")
"""Columns of every cohort and entries of every record; no variable may have their names."""
RULE_VARIABLE = "rule"
"""Name of the variable that holds the rule's answer, where models read it; no table and no record holds it."""
_SERVED = {"name", "kind", "block", "levels", "unit", "low", "high"}
_SERVED_IF_SET = {"aliases", "units", "unclear"}
_STATED_IF_SET = {"blocks", "missing", "checks", "rule_as_column"}


class Outcome(Frozen):
    """The outcome columns; `time` in days is empty where only a yes or no by the first horizon is known."""

    time: str = "time_days"
    """Column of the days from diagnosis to the event or the last visit."""
    event: str = "event_code"
    """Column of what happened, as one of `codes`."""
    codes: dict[Word, str] = Field(min_length=2)
    """Meaning of each code of `event`; the first one is `censored`, or `no`."""
    event_of_interest: Word = "1"
    """The code whose risk is predicted; the others but the first compete with it."""

    @model_validator(mode="after")
    def _has_its_event(self) -> Self:
        if self.event_of_interest not in list(self.codes)[1:]:
            raise ValueError("event_of_interest must be a code, and not the first one, which means no event")
        return self

    @property
    def causes(self) -> tuple[str, ...]:
        """Codes in the order of our own numbers: 0 no event, 1 the event of interest, 2 and up what competes."""
        first, *rest = self.codes
        return (first, self.event_of_interest, *(code for code in rest if code != self.event_of_interest))


class Profile(Frozen):
    """The variables, the outcome and the horizons of a cohort."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    title: str = ""
    """What is predicted of whom, as the heading of reports and page."""
    population: str = ""
    """Whom the models are for, in words."""
    prediction_time: str = ""
    """When the risk is told, in words; no variable may be known only later."""
    blocks: tuple[Block, ...] = Field(default=DEFAULT_BLOCKS, min_length=1)
    """The blocks of evidence that a case may have, in the order of reports."""
    variables: tuple[Variable, ...] = Field(min_length=1)
    outcome: Outcome
    horizons_years: tuple[PositiveFloat, ...] = Field(default=(3.0, 5.0), min_length=1)
    """Times from diagnosis by which risks are given, rising."""
    auc_years: tuple[PositiveFloat, ...] = ()
    """Times before the last horizon at which the area under the curve is reported too."""
    rule: str = ""
    """A rule baseline as a readable expression; empty where there is none."""
    rule_as_column: str = ""
    """A block of the record whose models read the rule's answer as one more column; empty where none does."""
    strata: str = ""
    """A variable by which splits, beside the event, and hazard ratios are stratified."""
    subgroups: dict[str, str] = Field(default_factory=dict)
    """Subgroups of the report, each a readable expression."""
    treatments: tuple[str, ...] = ()
    """Columns that are refused by name, since they are known only after the time of prediction."""
    missing: tuple[Word, ...] = ()
    """Words that stand for no value, in any variable."""
    checks: tuple[Check, ...] = ()
    """Combinations of values with which a case is scored and carries a remark."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_blocks(self.blocks)
        self._check_names()
        if list(self.horizons_years) != sorted(set(self.horizons_years)):
            raise ValueError("horizons_years must rise")
        if self.strata and self.strata not in [variable.name for variable in self.variables]:
            raise ValueError(f"strata names {self.strata}, which is no variable")
        check_vocabulary(self.variables, self.missing, self.checks)
        self._check_rule_column()
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Its entries; a profile without `rule_as_column` has the bytes that it had before there was one."""
        entries: dict[str, Any] = handler(self)
        return {name: value for name, value in entries.items() if value or name != "rule_as_column"}

    def _check_rule_column(self) -> None:
        if not self.rule_as_column:
            return
        if not self.rule or self.rule_as_column not in self.record_blocks:
            raise ValueError("rule_as_column names a block of the record, in a profile with a rule")
        blocks = {variable.name: variable.block for variable in self.variables}
        for name in self.expression(self.rule).variables:
            if blocks[name] != self.rule_as_column:
                raise ValueError(f"rule_as_column: the rule reads {name}, which is of block {blocks[name]}")

    def _check_names(self) -> None:
        names = [variable.name for variable in self.variables]
        columns = self.vocabulary.columns
        derived = {variable.name for variable in (self.rule_variable, *self.log_risks) if variable}
        reserved = {*RESERVED, *derived, self.outcome.time, self.outcome.event}
        taken = reserved.intersection(columns)
        if len(set(names)) < len(names) or taken:
            raise ValueError(f"variables must have names of their own; {', '.join(sorted(taken)) or 'one'} is taken")
        for variable in self.variables:
            if variable.block not in self.block_names:
                raise ValueError(f"{variable.name}: block must be one of {', '.join(self.block_names)}")
            if variable.name in self.treatments and not variable.known_at_prediction:
                raise ValueError(f"{variable.name} is among the treatments: {UNKNOWN_TREATMENT}")

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words, units and columns of the variables."""
        return Vocabulary(self.variables, self.missing)

    @property
    def block_names(self) -> tuple[str, ...]:
        """Names of all blocks, in order."""
        return tuple(block.name for block in self.blocks)

    @property
    def slides(self) -> Block | None:
        """The block of slides; None in a profile without one."""
        return next((block for block in self.blocks if block.source == "slides"), None)

    @property
    def vectors(self) -> tuple[Block, ...]:
        """The blocks of vectors."""
        return tuple(block for block in self.blocks if block.source == "vectors")

    @property
    def record_blocks(self) -> tuple[str, ...]:
        """Names of the blocks of the clinical record."""
        return tuple(block.name for block in self.blocks if block.source == "record")

    @property
    def evidence_blocks(self) -> tuple[Block, ...]:
        """The blocks of slides and vectors, each with a log-risk of its own."""
        return tuple(block for block in self.blocks if block.source != "record")

    def block(self, name: str) -> Block | None:
        """The block of that name; None if there is none."""
        return next((block for block in self.blocks if block.name == name), None)

    def ordered(self, names: Iterable[str]) -> tuple[Block, ...]:
        """The blocks of these names, in the order of the profile."""
        chosen = set(names)
        return tuple(block for block in self.blocks if block.name in chosen)

    def titles_of(self, names: Iterable[str]) -> list[str]:
        """What reports call the blocks of these names, in the order of the profile."""
        return [block.title for block in self.ordered(names)]

    def arm_name(self, blocks: Iterable[str]) -> str:
        """Name of the arm of these blocks."""
        return arm_name(self.ordered(blocks))

    @property
    def log_risks(self) -> tuple[Variable, ...]:
        """Variables that models of a block's evidence give; no table and no record holds them."""
        return tuple(block.variable for block in self.blocks if block.variable)

    @property
    def rule_variable(self) -> Variable | None:
        """The rule's answer as a variable of models; None where none reads it."""
        if not self.rule_as_column:
            return None
        names = "|".join(self.expression(self.rule).variables)
        brief = re.sub(rf"\b({names})\b", self._shown, self.expression(self.rule).brief)
        block, levels = self.rule_as_column, ("low", "high")
        return Variable(name=RULE_VARIABLE, kind="binary", block=block, levels=levels, label=f"rule ({brief})")

    def _shown(self, name: re.Match[str]) -> str:
        return next(variable.shown for variable in self.variables if variable.name == name[0])

    @property
    def predictors(self) -> tuple[Variable, ...]:
        """What models read of a record: its variables, and the rule's answer where it is a column."""
        return (*self.variables, self.rule_variable) if self.rule_variable else self.variables

    def variable(self, name: str) -> Variable | None:
        """The variable of that name, the rule's answer and log-risks included; None if there is none."""
        return next((variable for variable in (*self.predictors, *self.log_risks) if variable.name == name), None)

    def inputs_of(self, names: Iterable[str]) -> frozenset[str]:
        """These variables and, where the rule's answer is among them, those that the rule reads."""
        read = frozenset(names)
        through_rule = self.rule_as_column and RULE_VARIABLE in read
        return read.union(self.expression(self.rule).variables) if through_rule else read

    def position(self, name: str) -> int:
        """The place of a variable in the value matrix of a cohort."""
        return [variable.name for variable in self.variables].index(name)

    def of_blocks(self, blocks: Container[str]) -> tuple[Variable, ...]:
        """The variables of some blocks in order, the rule's answer and log-risks last."""
        return tuple(variable for variable in (*self.predictors, *self.log_risks) if variable.block in blocks)

    def title_of(self, block: str) -> str:
        """What reports call a block."""
        known = self.block(block)
        return known.title if known else block

    def expression(self, text: str) -> Rule:
        """Parse an expression about this profile's variables."""
        return parse_rule(text, {variable.name: variable.levels for variable in self.variables})

    def served(self) -> dict[str, Any]:
        """The part of the profile that a bundle states: all that reading a record and scoring a case need."""
        variables = [
            variable.model_dump(mode="json", include=_SERVED)
            | {"label": variable.shown}
            | variable.model_dump(mode="json", include=_SERVED_IF_SET, exclude_defaults=True)
            for variable in self.variables
        ]
        return self.model_dump(mode="json", include=_STATED_IF_SET, exclude_defaults=True) | {
            "name": self.name,
            "variables": variables,
            "outcome": self.outcome.model_dump(mode="json"),
            "horizons_years": list(self.horizons_years),
            "rule": self.rule,
        }
