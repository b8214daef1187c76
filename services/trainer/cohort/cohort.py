"""A cohort in memory: numbers and places of levels, NaN where missing, and the outcome in years."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from services.trainer.cohort.vectors import Vectors
from shared.arrays import Flags, Floats, Ints
from shared.model.case_values import CaseValues
from shared.model.profile import Profile
from shared.model.rule import Rule

DAYS_A_YEAR = 365.25


@dataclass(frozen=True, eq=False)
class Outcome:
    """What happened: `time` [n] in years, `event` [n] 0 none, 1 the event of interest, 2 and up what competes."""

    time: Floats
    event: Ints

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, index: Ints | Flags) -> "Outcome":
        return Outcome(self.time[index], self.event[index])

    @property
    def is_event(self) -> Flags:
        """Whose time ends with the event of interest."""
        return np.asarray(self.event == 1)

    @property
    def causes(self) -> tuple[int, ...]:
        """The numbers of the events that occur, the event of interest always first."""
        others = sorted(int(code) for code in np.unique(self.event) if code > 1)
        return (1, *others)


@dataclass(frozen=True, eq=False)
class Cohort:
    """Patients in the order of the table."""

    profile: Profile
    name: str
    case_ids: tuple[str, ...]
    sites: tuple[str, ...]
    """Empty text where a site is not given."""
    values: Floats
    """[n, variables of the profile]: a number, or the place of a level; NaN where missing."""
    outcome: Outcome
    digest: str
    """SHA-256 of the table's bytes."""
    simulated: bool = False
    readings: tuple[str, ...] = ()
    """What was read as what where it was not written as the profile writes it, in lines for people."""
    vectors: Mapping[str, Vectors] = field(default_factory=dict)
    """By block, of blocks whose tables were given."""

    def __len__(self) -> int:
        return len(self.case_ids)

    def take(self, index: Ints | Flags) -> "Cohort":
        """Some of the patients."""
        places = np.arange(len(self))[index]
        return replace(
            self,
            case_ids=tuple(self.case_ids[i] for i in places),
            sites=tuple(self.sites[i] for i in places),
            values=self.values[places],
            outcome=self.outcome[places],
            vectors={block: vectors.take(places) for block, vectors in self.vectors.items()},
        )

    def with_outcome(self, outcome: Outcome) -> "Cohort":
        """The same patients with another outcome."""
        return replace(self, outcome=outcome)

    def column(self, name: str) -> Floats:
        """The values [n] of one variable."""
        return np.asarray(self.values[:, self.profile.position(name)], np.float64)

    def holds(self, rule: Rule) -> Flags:
        """For which patients [n] an expression holds."""
        return rule(self.column)

    @property
    def case_values(self) -> CaseValues:
        """The patients' values by variable."""
        names = [variable.name for variable in self.profile.variables]
        return CaseValues(self.profile, dict(zip(names, self.values.T, strict=True)), len(self))

    def has_block(self, block: str) -> Flags:
        """Patients [n] with a value of at least one of a block's variables, or with its vector."""
        has = self.case_values.has_block(block)
        return np.asarray(has | self.vectors[block].known) if block in self.vectors else has

    @property
    def vector_digests(self) -> dict[str, str]:
        """SHA-256 of the table of each block of vectors."""
        return {block: vectors.digest for block, vectors in self.vectors.items()}

    @property
    def strata(self) -> Ints:
        """Number [n] of each patient's stratum as the profile names it: 0 where unknown, and where it names none."""
        if not self.profile.strata:
            return np.zeros(len(self), np.int64)
        return np.nan_to_num(self.column(self.profile.strata), nan=-1.0).astype(np.int64) + 1

    @property
    def has_times(self) -> bool:
        """Whether event times are known; else `outcome.time` only says on which side of the horizon an event lies."""
        return bool(self.profile.outcome.time)

    @property
    def has_sites(self) -> bool:
        """Whether every patient has a site, and there are two or more."""
        return all(self.sites) and len(set(self.sites)) > 1
