"""What is known of n cases, by variable, in the form that models and expressions read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from shared.arrays import Flags, Floats
from shared.model.profile import RULE_VARIABLE, Profile
from shared.model.variable import Value, Variable


@dataclass(frozen=True, eq=False)
class CaseValues:
    """Values of n cases by variable: a number, or the position of a level; NaN where it is missing."""

    profile: Profile
    columns: Mapping[str, Floats]
    """[n] each; a variable without a column is missing for all cases."""
    count: int

    def __len__(self) -> int:
        return self.count

    @classmethod
    def of_case(cls, profile: Profile, values: Mapping[str, Value]) -> "CaseValues":
        """One case; a variable that is not in `values` is missing."""
        variables = {name: profile.variable(name) for name in values}
        columns = {name: position(variable, values[name]) for name, variable in variables.items() if variable}
        return cls(profile, {name: np.array([value], np.float64) for name, value in columns.items()}, 1)

    def column(self, name: str) -> Floats:
        """The values [n] of a variable; of the rule's answer as the other values give it."""
        if name == RULE_VARIABLE and self.profile.rule_as_column:
            return self._rule_answer()
        return self.columns[name] if name in self.columns else np.full(self.count, np.nan)

    def _rule_answer(self) -> Floats:
        """1 where the rule holds, 0 where it does not, NaN where missing values decide it; [n]."""
        certain, possible = self.profile.expression(self.profile.rule).bounds(self.column)
        return np.where(certain == possible, certain.astype(np.float64), np.nan)

    def has_block(self, block: str) -> Flags:
        """Cases [n] with a value of at least one variable of a block, its log-risk included."""
        names = (variable.name for variable in self.profile.of_blocks({block}))
        known = [~np.isnan(self.column(name)) for name in names]
        return np.asarray(np.logical_or.reduce(known or [np.zeros(self.count, np.bool_)]), np.bool_)

    def has_blocks(self, blocks: Iterable[str]) -> Flags:
        """Cases [n] with a value of every one of several blocks."""
        return np.asarray(np.logical_and.reduce([self.has_block(block) for block in blocks]), np.bool_)


def position(variable: Variable, value: Value) -> float:
    """A value as a number: itself, or its position among the variable's levels."""
    return float(variable.levels.index(value)) if isinstance(value, str) else float(value)
