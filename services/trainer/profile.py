"""What a cohort's variables, outcome and horizons are, read from a YAML file; nothing of any disease is in the code."""

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, PositiveFloat, ValidationError, model_validator

import shared.model.variable
from services.trainer.errors import BadProfileError
from services.trainer.yaml_text import parse_yaml
from shared.model.rule import BadRuleError, Rule, parse_rule
from shared.model.variable import Check, Frozen, Word
from shared.model.vocabulary import Vocabulary, check_vocabulary
from shared.words import sentence

PATHOMICS = "pathomics"
"""Name of the variable that the slides give; no profile may define it."""
KNOWN_TREATMENT = "`treatment: true, known_at_prediction: true`"
"""How a profile says that a treatment is known when the risk is told."""
_NOT_YET = f"nobody knows it yet at the time of prediction; where one does, say {KNOWN_TREATMENT}"
_PLAINLY = {"extra_forbidden": "nothing of this name belongs here", "missing": "is missing"}
PROFILES = Path(__file__).parent / "profiles"
RESERVED = ("case_id", "site_id", "simulated")
"""Columns of every cohort; no variable may have their names."""


class Variable(shared.model.variable.Variable):
    """One variable known at the time of prediction, and how models use it."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    block: Literal["clinical", "molecular", "pathomic"]
    cuts: tuple[float | str, ...] = ()
    """Extra columns: 1 under a number, or 1 from a level on."""
    treatment: bool = False
    known_at_prediction: bool = False
    """A treatment is refused as a predictor unless this says that it is known by then."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.kind == "numeric") == bool(self.levels):
            raise ValueError(f"{self.name}: a numeric variable has no levels, and every other one has")
        if len(set(self.levels)) < len(self.levels) or (self.kind == "binary" and len(self.levels) != 2):
            raise ValueError(f"{self.name}: levels must differ, and a binary variable has two")
        if any(
            isinstance(cut, str) != bool(self.levels) or (self.levels and cut not in self.levels) for cut in self.cuts
        ):
            raise ValueError(f"{self.name}: a cut is a number of a numeric variable or a level of an ordinal one")
        if self.treatment and not self.known_at_prediction:
            raise ValueError(f"{self.name} is a treatment: {_NOT_YET}")
        return self


class Outcome(Frozen):
    """The outcome columns; `time` in days is empty where only a yes or no by the first horizon is known."""

    time: str = "time_days"
    event: str = "event_code"
    codes: dict[Word, str] = Field(min_length=2)
    """Meaning of each code of `event`; the first one is `censored`, or `no`."""
    event_of_interest: Word = "1"

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
    population: str = ""
    prediction_time: str = ""
    """When the risk is told, in words; no variable may be known only later."""
    variables: tuple[Variable, ...] = Field(min_length=1)
    outcome: Outcome
    horizons_years: tuple[PositiveFloat, ...] = Field(default=(3.0, 5.0), min_length=1)
    auc_years: tuple[PositiveFloat, ...] = ()
    """Times before the last horizon at which the area under the curve is told too."""
    rule: str = ""
    """A rule baseline as a readable expression; empty where there is none."""
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
        names = [variable.name for variable in self.variables]
        columns = Vocabulary(self.variables, self.missing).columns
        taken = {PATHOMICS, *RESERVED, self.outcome.time, self.outcome.event}.intersection(columns)
        if len(set(names)) < len(names) or taken:
            raise ValueError(f"variables must have names of their own; {', '.join(sorted(taken)) or 'one'} is taken")
        hidden = [one.name for one in self.variables if one.name in self.treatments and not one.known_at_prediction]
        if hidden:
            raise ValueError(f"{hidden[0]} is among the treatments: {_NOT_YET}")
        if list(self.horizons_years) != sorted(set(self.horizons_years)):
            raise ValueError("horizons_years must rise")
        if self.strata and self.strata not in names:
            raise ValueError(f"strata names {self.strata}, which is no variable")
        check_vocabulary(self.variables, self.missing, self.checks)
        return self

    def variable(self, name: str) -> Variable | None:
        """The variable of that name, or None."""
        return next((variable for variable in self.variables if variable.name == name), None)

    def position(self, name: str) -> int:
        """The place of a variable in the value matrix."""
        return [variable.name for variable in self.variables].index(name)

    def of_blocks(self, blocks: frozenset[str]) -> tuple[Variable, ...]:
        """The variables of some blocks, in order."""
        return tuple(variable for variable in self.variables if variable.block in blocks)

    def expression(self, text: str) -> Rule:
        """Parse an expression about this profile's variables."""
        return parse_rule(text, {variable.name: variable.levels for variable in self.variables})


def load_profile(source: Path | str | None = None) -> Profile:
    """Read a profile from a file or, by plain name, from the ones that are shipped; the default is medulloblastoma.

    Raises:
        BadProfileError: it is not there, no YAML, or not a profile; the text names every place at fault.
    """
    path = _path(source or "medulloblastoma")
    try:
        profile = Profile.model_validate(parse_yaml(path.read_bytes()))
        for text in [profile.rule, *profile.subgroups.values()]:
            profile.expression(text)
    except OSError as error:
        shipped = ", ".join(sorted(file.stem for file in PROFILES.glob("*.yaml")))
        raise BadProfileError(f"profile {path} cannot be read: {error.strerror}; shipped are {shipped}") from error
    except yaml.YAMLError as error:
        raise BadProfileError(f"profile {path} is no YAML: {str(error).splitlines()[0]}") from error
    except BadRuleError as error:
        raise BadProfileError(f"profile {path}: {error}") from error
    except ValidationError as error:
        raise BadProfileError(f"profile {path} is refused: {_told(error)}") from error
    return profile


def _told(error: ValidationError) -> str:
    """What is wrong where; what follows from an error within a list is left out."""
    wrong = [(".".join(map(str, item["loc"])), _PLAINLY.get(item["type"], item["msg"])) for item in error.errors()]
    places = [place for place, _ in wrong]
    first = [item for item in wrong if not any(place.startswith(f"{item[0]}.") for place in places)]
    return sentence([f"{place}: {said}".removeprefix(": ").replace("Value error, ", "") for place, said in first])


def _path(source: Path | str) -> Path:
    path = Path(source)
    shipped = PROFILES / f"{path}.yaml"
    return shipped if path.suffix == "" and shipped.exists() else path
