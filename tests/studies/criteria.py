"""The acceptance criteria: what was required, what was measured, whether it was met, and why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scipy.stats import binom

from tests.studies.stain_study import H_AND_E

Results = Mapping[str, Any]
NOT_RUN = "not measured in this run"
_SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Criterion:
    """One row."""

    text: str
    measured: str
    met: bool | None
    """None where nothing was required, or nothing was measured."""
    why: str = ""

    @property
    def row(self) -> tuple[str, str, str]:
        """Its cells in the table of the note."""
        word = {True: "met", False: "**not met**", None: "-"}[self.met]
        return self.text, self.measured, f"{word}{f': {self.why}' if self.why else ''}"


def estimate(figure: Mapping[str, Any] | None, digits: int = 3) -> str:
    """An estimate with its interval."""
    if figure is None or figure["est"] is None:
        return "not estimable"
    if figure.get("lo") is None or figure.get("hi") is None:
        return f"{figure['est']:.{digits}f}"
    return f"{figure['est']:.{digits}f} ({figure['lo']:.{digits}f} to {figure['hi']:.{digits}f})"


def criteria(results: Results) -> Iterator[Criterion]:
    """Every criterion, in the order of the note."""
    yield from _cavalli(_value(results, "cavalli"))
    yield from _hancock(_value(results, "hancock"))
    yield from _no_effect(results)
    yield from _effect(results)
    yield _recovery(_value(results, "recovery"))
    yield from _coverage(_value(results, "intervals"))
    yield from _stains(_value(results, "stains"))
    yield from _growth(_value(results, "growth"))


def _value(results: Results, part: str) -> Results | None:
    return results[part]["value"] if part in results else None


def _cavalli(value: Results | None) -> Iterator[Criterion]:
    for arm, limit, what in (("clinical", 0.62, "clinical"), ("clinical_molecular", 0.64, "clinical + molecular")):
        text = f"Cavalli, overall survival under 18 y, {what}: C ≥ {limit}"
        yield _public(text, value, arm, limit)


def _public(text: str, value: Results | None, arm: str, limit: float) -> Criterion:
    if value is None:
        return Criterion(text, NOT_RUN, None)
    c, folds = value["arms"][arm]["harrell_c"], value["arms"][arm]["folds"]
    measured = f"C {estimate(c)} pooled; {folds['mean']:.3f} ± {folds['sd']:.3f} over {folds['folds']} folds"
    if folds["mean"] >= limit:
        return Criterion(
            text, measured, True, "" if c["est"] >= limit else "by the mean over folds; pooled it is below"
        )
    return Criterion(
        text, measured, False, "the interval contains it" if c["hi"] >= limit else "the interval lies below it"
    )


def _hancock(value: Results | None) -> Iterator[Criterion]:
    for arm, limit, what in (
        ("clinical_pathological", 0.694, "clinical + pathological"),
        ("clinical_pathological_blood_cells", 0.705, "the same with blood and cell density"),
    ):
        yield _public(f"HANCOCK, recurrence-free survival, {what}: C ≥ {limit}", value, arm, limit)
    for block, gain in (value["block_gains"] if value else {}).items():
        text = f"HANCOCK, gain of {block}, whatever it is"
        yield Criterion(text, f"{estimate(gain, 4)} of Uno's C, p {gain['p_holm']:.3f} (Holm): {_verdict(gain)}", None)


def _verdict(gain: Results) -> str:
    """What a gain shows once p is adjusted for the number of contrasts."""
    if gain["p_holm"] > _SIGNIFICANT:
        return "none shown"
    return "a gain" if gain["est"] > 0 else "a loss"


def primary(value: Results | None) -> Results | None:
    """The primary contrast of an evaluation."""
    return next((one for one in value["contrasts"] if one["primary"]), None) if value else None


def _no_effect(results: Results) -> Iterator[Criterion]:
    for what, value in _simulated(results):
        text = f"SIMULATED, no effect, {what}: fused less clinical_molecular within ±0.01"
        one = value.get("1") if value else None
        if one is None:
            yield Criterion(text, NOT_RUN, None)
            continue
        gain = one["fused"]
        each = ", ".join(f"{row['fused']['est']:+.3f}" for row in one["rows"])
        certain = gain["lo"] is not None and max(abs(gain["lo"]), abs(gain["hi"])) <= 0.01
        why = "" if certain else "by the estimate; its interval goes past the band"
        measured = f"mean over {seeds_text(one)} {estimate(gain, 4)}; each {each}"
        yield Criterion(text, measured, abs(gain["est"]) <= 0.01, why)


def seeds_text(one: Results) -> str:
    """The number of seeds of a mean, and of draws of outcomes for each."""
    draws = one["rows"][0]["draws"]
    return f"{one['fused']['seeds']} seeds" + (f" of {draws} draws" if draws > 1 else "")


def _simulated(results: Results) -> Iterator[tuple[str, Results | None]]:
    slides = _value(results, "slides")
    yield "slides of real pixels", slides["gains"] if slides else None
    yield "bags", _value(results, "bags")


def _effect(results: Results) -> Iterator[Criterion]:
    for what, value in _simulated(results):
        text = f"SIMULATED, HR 1.6 per SD, external site with stain shift, {what}: ≥ 80 % of the oracle's gain"
        one = value.get("1.6") if value else None
        if one is None:
            yield Criterion(text, NOT_RUN, None)
            continue
        share = percent(one["share"])
        measured = f"{estimate(share, 0)} % over {seeds_text(one)}"
        if share["lo"] is None:
            yield Criterion(text, f"{measured}; the oracle's own gain is uncertain", None)
            continue
        measured += f": gain {estimate(one['fused'])}, oracle {estimate(one['oracle'])}"
        below = "the interval contains the limit" if share["hi"] >= 80 else "the interval lies below"
        yield Criterion(text, measured, share["est"] >= 80, "" if share["lo"] >= 80 else below)
    yield _slope(_value(results, "cross-validated"))


def _slope(value: Results | None) -> Criterion:
    text = "SIMULATED, HR 1.6 per SD: calibration slope 0.8 to 1.2 internally (fused, 3 years)"
    if value is None or "1.6" not in value:
        return Criterion(text, NOT_RUN, None)
    one = value["1.6"]
    each = ", ".join(estimate(row["slope"], 2) for row in one["rows"])
    return Criterion(
        text, f"mean over seeds {estimate(one['slope'], 2)}; each {each}", 0.8 <= one["slope"]["est"] <= 1.2
    )


def _recovery(value: Results | None) -> Criterion:
    text = "SIMULATED: known hazard ratios lie within the report's 95 % intervals as often as they should"
    if value is None:
        return Criterion(text, NOT_RUN, None)
    shares = {kind: [one["covered"] for one in part["ratios"].values()] for kind, part in value.items()}
    counts = [one["tables"] for part in value.values() for one in part["ratios"].values()]
    tables = f"{max(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    measured = f"of {tables} tables each, mean of {len(shares['complete'])} ratios and range: " + "; ".join(
        f"{kind} {sum(held) / len(held):.1%}, {min(held):.1%} to {max(held):.1%}" for kind, held in shares.items()
    )
    count = sum(map(len, shares.values()))
    low = [
        f"{name} ({kind})"
        for kind, part in value.items()
        for name, one in part["ratios"].items()
        if binom.cdf(round(one["covered"] * one["tables"]), one["tables"], 0.95) < 0.05 / count
    ]
    return Criterion(text, measured, not low, f"too seldom for {', '.join(low)}" if low else "")


def _coverage(value: Results | None) -> Iterator[Criterion]:
    text = "SIMULATED: a case's 90 % interval holds its true risk in 87 to 93 %"
    if value is None:
        yield Criterion(text, NOT_RUN, None)
        return
    for arm, horizons in value["all"].items():
        shares = {horizon: one["covered"] for horizon, one in horizons.items()}
        measured = ", ".join(f"{estimate(percent(figure), 1)} % at {horizon}" for horizon, figure in shares.items())
        inside = [0.87 <= round(figure["est"], 3) <= 0.93 for figure in shares.values()]
        outside = (
            "" if all(inside) else "wider than needed" if min(f["est"] for f in shares.values()) > 0.9 else "too narrow"
        )
        yield Criterion(f"{text}, {arm}, all cohorts together", measured, all(inside), outside)
    yield _each_cohort(text, value["by_cohort"])


def _each_cohort(text: str, cohorts: Mapping[str, Any]) -> Criterion:
    """The same of every kind of training cohort by itself, of its fullest arm."""
    fullest = {name: arms.get("fused") or arms["clinical_molecular"] for name, arms in cohorts.items()}
    shares = {name: [one["covered"]["est"] for one in horizons.values()] for name, horizons in fullest.items()}
    outside = [name for name, held in shares.items() if not all(0.87 <= round(share, 3) <= 0.93 for share in held)]
    ends = [share for held in shares.values() for share in held]
    measured = f"{100 * min(ends):.1f} to {100 * max(ends):.1f} % over {len(shares)} kinds of training cohort"
    return Criterion(
        f"{text}, fullest arm, each kind of cohort", measured, not outside, f"outside: {'; '.join(outside)}"
    )


def percent(figure: Mapping[str, Any]) -> dict[str, Any]:
    """A share times a hundred."""
    return {name: None if figure[name] is None else 100 * figure[name] for name in ("est", "lo", "hi")}


def _stains(value: Results | None) -> Iterator[Criterion]:
    text = (
        "SIMULATED: at least 95 % of DAB slides among H&E are left out",
        "SIMULATED: under 5 % of H&E slides of other sites are flagged",
    )
    if value is None:
        yield from (Criterion(one, NOT_RUN, None) for one in text)
        return
    left_out, flagged = percent(value["DAB"]["refused"]), percent(value[H_AND_E]["flagged"])
    yield Criterion(text[0], f"{estimate(left_out, 1)} % of {value['DAB']['asked']}", left_out["est"] >= 95)
    yield Criterion(text[1], f"{estimate(flagged, 1)} % of {value[H_AND_E]['asked']}", flagged["est"] < 5)


def _growth(value: Results | None) -> Iterator[Criterion]:
    whole = value["whole"] if value else None
    if whole is None:
        yield Criterion("300 patients x 5,000 tiles, all arms, 5x5, on 2 cores: under 30 minutes", NOT_RUN, None)
        return
    size = f"{whole['patients']} patients x {whole['tiles']:,} tiles"
    wall, half = whole["wall_s"] / 60, whole["cpu_s"] / 2 / 60
    measured = f"all of `medulla evaluate` in {wall:.1f} min by the clock, {half:.1f} min of each of 2 processors"
    yield Criterion(f"{size}, all arms, 5x5, on 2 cores: under 30 minutes", measured, wall < 30)
