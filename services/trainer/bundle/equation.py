"""Writes a linear model of a bundle out as an equation of readable values, and as Markdown."""

from collections.abc import Iterator, Sequence
from typing import assert_never

import numpy as np

from services.trainer.report_model.equation import (
    DIGITS,
    FORMULA,
    EquationRecalibration,
    EquationTerm,
    ModelEquation,
    precise,
)
from shared.arrays import Floats
from shared.model.arm import Arm
from shared.model.bundle import Bundle
from shared.model.calibration import Recalibration
from shared.model.column import Column
from shared.model.profile import Profile
from shared.model.vector import significant
from shared.words import listed


def equation(name: str, arm: Arm, profile: Profile) -> ModelEquation:
    """The equation of an arm whose hazards are all linear; nothing else can be written so."""
    columns, causes = arm.columns, arm.fit.causes
    weights = np.stack([cause.coefficients / _scales(columns) for cause in causes])
    means = np.array([column.mean for column in columns])
    terms = [_term(column, row, profile) for column, row in zip(columns, weights.T, strict=True)]
    return ModelEquation(
        arm=name,
        causes=tuple(_cause_names(profile, len(causes))),
        constants=_numbers(-(weights @ means)),
        terms=tuple(terms),
        times_years=_numbers(arm.times_years),
        baselines=tuple(_numbers(cause.baseline) for cause in causes),
    )


def bundle_equations(bundle: Bundle, names: Sequence[str]) -> tuple[ModelEquation, ...]:
    """The equations of some arms of a bundle, with their recalibrations; arms of trees have none."""
    profile = bundle.manifest.profile
    linear = [
        name for name in names if name in bundle.arms and all(h.kind == "linear" for h in bundle.arms[name].log_hazards)
    ]
    return tuple(
        equation(name, bundle.arms[name], profile).model_copy(update={"recalibrations": tuple(_moved(bundle, name))})
        for name in linear
    )


def _moved(bundle: Bundle, name: str) -> Iterator[EquationRecalibration]:
    for years in bundle.manifest.profile.horizons_years:
        of = bundle.calibration.of(name, years)
        if of != Recalibration():
            yield EquationRecalibration(horizon_years=years, intercept=of.intercept, slope=of.slope)


def _scales(columns: Sequence[Column]) -> Floats:
    return np.array([column.scale for column in columns])


def _numbers(values: Floats) -> tuple[float, ...]:
    return tuple(significant(values, DIGITS))


def _cause_names(profile: Profile, count: int) -> list[str]:
    """Meanings of the causes; what competes is numbered where training patients lacked some that a profile names."""
    codes, (_, event, *others) = profile.outcome.codes, profile.outcome.causes
    competing = [codes[code] for code in others] if len(others) == count - 1 else []
    return [codes[event], *(competing or [f"competing event {place}" for place in range(1, count)])]


def _term(column: Column, weights: Floats, profile: Profile) -> EquationTerm:
    return EquationTerm(
        column=column.name,
        value=_value(column, profile),
        missing=significant(column.impute, DIGITS),
        weights=_numbers(weights),
    )


def _value(column: Column, profile: Profile) -> str:
    """How a variable becomes the number of a column, in words."""
    variable = profile.variable(column.variable)
    label, unit = (variable.shown, variable.unit) if variable else (column.variable, "")
    match column.form:
        case "value":
            return f"{label}, {unit}" if unit else label
        case "below":
            return f"1 if {label} is below {column.cut:g} {unit}".rstrip() + ", else 0"
        case "level":
            return f"1 if {label} is {listed(column.levels, 'or')}, else 0"
        case "rank":
            levels = variable.levels if variable else ()
            return f"{label}: " + ", ".join(f"{place} for {level}" for place, level in enumerate(levels))
        case "missing":
            return f"1 if {label} is not known, else 0"
    assert_never(column.form)


def equation_text(of: ModelEquation) -> str:
    """The equation as Markdown, with the table of baseline hazards."""
    lines = [f"{FORMULA}{''.join(f' {each.sentence}' for each in of.recalibrations)}", ""]
    lines += [f"| value | if not known | {' | '.join(f'weight, {cause}' for cause in of.causes)} |"]
    lines += ["|---" * (2 + len(of.causes)) + "|"]
    lines += [f"| constant | | {' | '.join(map(precise, of.constants))} |"]
    lines += [
        f"| {term.value} | {precise(term.missing)} | {' | '.join(map(precise, term.weights))} |" for term in of.terms
    ]
    lines += [
        "",
        f"| years | {' | '.join(f'H of {cause}' for cause in of.causes)} |",
        "|---" * (1 + len(of.causes)) + "|",
    ]
    lines += [f"| {' | '.join(map(precise, row))} |" for row in zip(of.times_years, *of.baselines, strict=True)]
    return "\n".join(lines)
