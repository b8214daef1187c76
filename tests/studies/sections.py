"""The sections of the note, one a part."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.studies.criteria import estimate, percent, primary, seeds_text

Value = Mapping[str, Any]


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """In Markdown."""
    lines = [" | ".join(header), "|".join("---" for _ in header), *(" | ".join(map(str, row)) for row in rows)]
    return "\n".join(f"| {line} |" if i != 1 else f"|{line}|" for i, line in enumerate(lines))


def public(value: Value) -> str:
    """Arms of a public cohort, contrasts, calibration, controls."""
    header = ("arm", "patients", "C pooled", "C over folds, mean ± SD", "Uno's C", "O/E at 3 y", "slope", "intercept")
    rows = [_arm(name, arm) for name, arm in value["arms"].items()]
    meanings = value["cohort"]["meanings"]
    events = ", ".join(f"{count} {meanings[code]}" for code, count in value["cohort"]["events"].items())
    gain = primary(value)
    lines = [
        f"{value['cohort']['n']} patients ({events}); {value['left_out']} rows of the published tables were left out.",
        table(header, rows),
        f"Primary contrast: {value['primary']}" if gain else "",
        table(
            ("contrast", "figure", "difference", "p", "p (Holm)"),
            [
                (f"{one['a']} less {one['b']}", one["metric"], estimate(one), _p(one["p"]), _p(one["p_holm"]))
                for one in value["contrasts"]
            ],
        ),
        _absent(value),
        f"Splits `{value['splits'][:16]}`.",
    ]
    return "\n\n".join(line for line in lines if line)


def by_block(value: Value) -> str:
    """A public cohort, and first what each of its blocks adds."""
    rows = [
        (block, "Uno's C", estimate(gain, 4), _p(gain["p"]), _p(gain["p_holm"]))
        for block, gain in value["block_gains"].items()
    ]
    gains_by_block = table(("block", "figure", "all blocks less all but it", "p", "p (Holm)"), rows)
    return f"{gains_by_block}\n\n{public(value)}"


def _arm(name: str, arm: Value) -> Sequence[object]:
    folds, calibration = arm["folds"], arm["calibration"]
    over = f"{folds['mean']:.3f} ± {folds['sd']:.3f}"
    parts = [estimate(calibration[part], 2) for part in ("o_e", "slope", "intercept")]
    return (name, arm["n"], estimate(arm["harrell_c"]), over, estimate(arm["uno_c"]), *parts)


def _absent(value: Value) -> str:
    return "\n".join(f"- {name}: left out, {why}" for name, why in value["absent"].items())


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def gains(value: Value) -> str:
    """Each seed and the means."""
    header = ("effect", "seed", "patients", "external", "C of the table", "gain of fusion", "gain of the oracle", "r")
    rows: list[Sequence[object]] = []
    for effect, one in value.items():
        rows += [
            (
                f"HR {effect}", row["seed"], row["patients"], row["external"], f"{row['table_c']:.3f}",
                estimate(row["fused"]), estimate(row["oracle"]), f"{row['latent_r']:.2f}",
            )
            for row in one["rows"]
        ]  # fmt: skip
        mean = f"**mean of {seeds_text(one)}**"
        rows.append((f"HR {effect}", mean, "", "", "", estimate(one["fused"], 4), estimate(one["oracle"], 4), ""))
    means = "; ".join(f"at HR {effect} {estimate(one['fused_harrell'], 4)}" for effect, one in value.items())
    return f"{table(header, rows)}\n\nThe same in Harrell's C, means: {means}."


def coverage(value: Value) -> str:
    """By arm, and by cohort for the primary arm."""
    header = ("arm", "horizon", "covered, %", "below the interval, %", "above, %", "mean width")
    rows = [
        (arm, horizon, estimate(percent(one["covered"]), 1), f"{100 * one['below']:.1f}", f"{100 * one['above']:.1f}",
         f"{one['width']:.2f}")
        for arm, figures in value["all"].items()
        for horizon, one in figures.items()
    ]  # fmt: skip
    by_cohort = [
        (name, arm, *(estimate(percent(figures[horizon]["covered"]), 1) for horizon in ("3y", "5y")))
        for name, arms in value["by_cohort"].items()
        for arm, figures in arms.items()
        if arm in ("fused", "clinical_molecular")
    ]
    header_two = ("training cohort", "arm", "3 years, %", "5 years, %")
    return f"{table(header, rows)}\n\n{table(header_two, by_cohort)}"


def abstentions(value: Value) -> str:
    """Shares flagged and refused."""
    rows = [
        (kind, one["asked"], estimate(percent(one["flagged"]), 1), estimate(percent(one["refused"]), 1))
        for kind, one in value.items()
    ]
    return table(("patients", "asked", "flagged, %", "refused, %"), rows)


def stains(value: Value) -> str:
    """Shares flagged and left out, and left out by the embedding alone."""
    rows = [
        (kind, one["asked"], *(estimate(percent(one[name]), 1) for name in ("flagged", "refused", "by_embedding")))
        for kind, one in value.items()
    ]
    return table(("slides", "asked", "flagged, %", "left out, %", "left out by the mean embedding alone, %"), rows)


def intervals(value: Value) -> str:
    """Coverage, then abstention."""
    return f"{coverage(value)}\n\nOut of distribution, by the mean embedding:\n\n{abstentions(value['abstentions'])}"


def slides(value: Value) -> str:
    """Gains, refusals and coverage on slides of real pixels."""
    covered = [
        (arm, *(estimate(percent(one[horizon]["covered"]), 1) for horizon in ("3y", "5y")))
        for arm, one in value["coverage"].items()
    ]
    return "\n\n".join(
        [gains(value["gains"]), abstentions(value["abstentions"]), table(("arm", "3 years, %", "5 years, %"), covered)]
    )


def cross_validated(value: Value) -> str:
    """The internal side: gain, slope and O/E of every seed."""
    rows = [
        (
            f"HR {effect}",
            row["seed"],
            estimate(row["gain"]),
            estimate(row["slope"], 2),
            estimate(row["o_e"], 2),
        )
        for effect, one in value.items()
        for row in one["rows"]
    ]
    rows += [
        (
            f"HR {effect}",
            "**mean**",
            estimate(one["gain"], 4),
            estimate(one["slope"], 2),
            estimate(one["o_e"], 2),
        )
        for effect, one in value.items()
    ]
    return table(("effect", "seed", "gain in Uno's C", "slope at 3 y", "O/E at 3 y"), rows)


def recovery(value: Value) -> str:
    """Each known ratio, with and without gaps."""
    rows = [
        (kind, name, f"{one['true']:g}", f"{one['mean']:.2f}", f"{one['bias']:+.3f} ± {1.96 * one['bias_error']:.3f}",
         f"{100 * one['covered']:.1f}", one["tables"])
        for kind, part in value.items()
        for name, one in part["ratios"].items()
    ]  # fmt: skip
    header = ("tables", "factor", "true HR", "mean estimate", "bias of log HR", "within 95 % interval, %", "drawn")
    return table(header, rows)


def growth(value: Value) -> str:
    """Rows and exponents."""
    header = ("patients", "tiles each", "processor, s a fold", "of it slides, s", "peak memory, MB")
    rows = [
        (row["patients"], row["tiles"], f"{row['cpu_s']:.1f}", f"{row['steps']['slides']:.1f}", f"{row['peak_mb']:.0f}")
        for axis in ("patients", "tiles")
        for row in value[axis]["rows"]
    ]
    means = [
        f"with {axis} processor time grows by a power of {value[axis]['exponents']['cpu_s']:.2f} and peak memory by "
        f"{value[axis]['exponents']['peak_mb']:.2f}"
        for axis in ("patients", "tiles")
    ]
    return f"{table(header, rows)}\n\nOver these sizes, {', '.join(means)}."
