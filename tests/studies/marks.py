"""The table of marks: what was asked, what was measured, whether it was reached, and why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scipy.stats import binom

from tests.studies.stain_study import H_AND_E

Results = Mapping[str, Any]
NOT_RUN = "not measured in this run"


@dataclass(frozen=True, slots=True)
class Mark:
    """One row."""

    asked: str
    measured: str
    reached: bool | None
    """None where there was no mark, or nothing was measured."""
    why: str = ""

    @property
    def row(self) -> str:
        """In Markdown."""
        word = {True: "reached", False: "**not reached**", None: "-"}[self.reached]
        return f"| {self.asked} | {self.measured} | {word}{f': {self.why}' if self.why else ''} |"


def said(figure: Mapping[str, Any] | None, digits: int = 3) -> str:
    """An estimate with its interval."""
    if figure is None or figure["est"] is None:
        return "cannot be told"
    if figure.get("lo") is None or figure.get("hi") is None:
        return f"{figure['est']:.{digits}f}"
    return f"{figure['est']:.{digits}f} ({figure['lo']:.{digits}f} to {figure['hi']:.{digits}f})"


def marks(found: Results) -> Iterator[Mark]:
    """Every mark, in the order of the note."""
    yield from _cavalli(_value(found, "cavalli"))
    yield from _hancock(_value(found, "hancock"))
    yield from _no_effect(found)
    yield from _effect(found)
    yield _recovery(_value(found, "recovery"))
    yield from _coverage(_value(found, "intervals"))
    yield from _stains(_value(found, "stains"))
    yield from _growth(_value(found, "growth"))


def _value(found: Results, part: str) -> Results | None:
    return found[part]["value"] if part in found else None


def _cavalli(value: Results | None) -> Iterator[Mark]:
    for arm, mark, what in (("clinical", 0.62, "clinical"), ("clinical_molecular", 0.64, "clinical + molecular")):
        asked = f"Cavalli, overall survival under 18 y, {what}: C ≥ {mark}"
        yield _public(asked, value, arm, mark)


def _public(asked: str, value: Results | None, arm: str, mark: float) -> Mark:
    if value is None:
        return Mark(asked, NOT_RUN, None)
    c, folds = value["arms"][arm]["harrell_c"], value["arms"][arm]["folds"]
    measured = f"C {said(c)} pooled; {folds['mean']:.3f} ± {folds['sd']:.3f} over {folds['folds']} folds"
    if folds["mean"] >= mark:
        return Mark(asked, measured, True, "" if c["est"] >= mark else "by the mean over folds; pooled it is below")
    return Mark(asked, measured, False, "the interval holds it" if c["hi"] >= mark else "the interval lies below it")


def _hancock(value: Results | None) -> Iterator[Mark]:
    yield _public(
        "HANCOCK, recurrence-free survival, clinical + pathological: C ≥ 0.69", value, "clinical_molecular", 0.69
    )
    asked = "HANCOCK, gain of the H&E vector, whatever it is"
    gain = primary(value)
    if gain is None:
        yield Mark(asked, NOT_RUN, None)
        return
    verdict = "none shown" if gain["lo"] <= 0 <= gain["hi"] else "a gain" if gain["lo"] > 0 else "a loss"
    yield Mark(asked, f"{said(gain)} of Uno's C (fused less clinical_molecular): {verdict}", None)


def primary(value: Results | None) -> Results | None:
    """The primary contrast of an evaluation."""
    return next((one for one in value["contrasts"] if one["primary"]), None) if value else None


def _no_effect(found: Results) -> Iterator[Mark]:
    for what, value in _simulated(found):
        asked = f"SIMULATED, no effect, {what}: fused less clinical_molecular within ±0.01"
        one = value.get("1") if value else None
        if one is None:
            yield Mark(asked, NOT_RUN, None)
            continue
        gain = one["fused"]
        each = ", ".join(f"{row['fused']['est']:+.3f}" for row in one["rows"])
        sure = gain["lo"] is not None and max(abs(gain["lo"]), abs(gain["hi"])) <= 0.01
        why = "" if sure else "by the estimate; its interval goes past the band"
        measured = f"mean over {drawn(one)} {said(gain, 4)}; each {each}"
        yield Mark(asked, measured, abs(gain["est"]) <= 0.01, why)


def drawn(one: Results) -> str:
    """Of how many seeds a mean is, and of how many draws of outcomes each."""
    draws = one["rows"][0]["draws"]
    return f"{one['fused']['seeds']} seeds" + (f" of {draws} draws" if draws > 1 else "")


def _simulated(found: Results) -> Iterator[tuple[str, Results | None]]:
    slides = _value(found, "slides")
    yield "slides of real pixels", slides["gains"] if slides else None
    yield "bags", _value(found, "bags")


def _effect(found: Results) -> Iterator[Mark]:
    for what, value in _simulated(found):
        asked = f"SIMULATED, HR 1.6 per SD, external site with stain shift, {what}: ≥ 80 % of the oracle's gain"
        one = value.get("1.6") if value else None
        if one is None:
            yield Mark(asked, NOT_RUN, None)
            continue
        share = percent(one["share"])
        if share["lo"] is None:
            yield Mark(asked, f"{said(share, 0)} % over {drawn(one)}; the oracle's own gain is not sure", None)
            continue
        measured = f"{said(share, 0)} % over {drawn(one)}: gain {said(one['fused'])}, oracle {said(one['oracle'])}"
        why = (
            ""
            if share["lo"] >= 80
            else "the interval holds the mark"
            if share["hi"] >= 80
            else "the interval lies below"
        )
        yield Mark(asked, measured, share["est"] >= 80, why)
    yield _slope(_value(found, "cross-validated"))


def _slope(value: Results | None) -> Mark:
    asked = "SIMULATED, HR 1.6 per SD: calibration slope 0.8 to 1.2 internally (fused, 3 years)"
    if value is None or "1.6" not in value:
        return Mark(asked, NOT_RUN, None)
    one = value["1.6"]
    each = ", ".join(said(row["slope"], 2) for row in one["rows"])
    return Mark(asked, f"mean over seeds {said(one['slope'], 2)}; each {each}", 0.8 <= one["slope"]["est"] <= 1.2)


def _recovery(value: Results | None) -> Mark:
    asked = "SIMULATED: known hazard ratios lie within the report's 95 % intervals as often as they should"
    if value is None:
        return Mark(asked, NOT_RUN, None)
    shares = {kind: [one["covered"] for one in part["ratios"].values()] for kind, part in value.items()}
    made = [one["tables"] for part in value.values() for one in part["ratios"].values()]
    tables = f"{max(made)}" if min(made) == max(made) else f"{min(made)} to {max(made)}"
    measured = f"of {tables} tables each, mean of {len(shares['complete'])} ratios and range: " + "; ".join(
        f"{kind} {sum(found) / len(found):.1%}, {min(found):.1%} to {max(found):.1%}" for kind, found in shares.items()
    )
    count = sum(map(len, shares.values()))
    low = [
        f"{name} ({kind})"
        for kind, part in value.items()
        for name, one in part["ratios"].items()
        if binom.cdf(round(one["covered"] * one["tables"]), one["tables"], 0.95) < 0.05 / count
    ]
    return Mark(asked, measured, not low, f"too seldom for {', '.join(low)}" if low else "")


def _coverage(value: Results | None) -> Iterator[Mark]:
    asked = "SIMULATED: a case's 90 % interval holds its true risk in 87 to 93 %"
    if value is None:
        yield Mark(asked, NOT_RUN, None)
        return
    for arm, found in value["all"].items():
        shares = {horizon: one["covered"] for horizon, one in found.items()}
        measured = ", ".join(f"{said(percent(figure), 1)} % at {horizon}" for horizon, figure in shares.items())
        inside = [0.87 <= round(figure["est"], 3) <= 0.93 for figure in shares.values()]
        outside = (
            "" if all(inside) else "wider than needed" if min(f["est"] for f in shares.values()) > 0.9 else "too narrow"
        )
        yield Mark(f"{asked}, {arm}, all cohorts together", measured, all(inside), outside)
    yield _each_cohort(asked, value["by_cohort"])


def _each_cohort(asked: str, cohorts: Mapping[str, Any]) -> Mark:
    """The same of every kind of training cohort by itself, of its fullest arm."""
    fullest = {name: arms.get("fused") or arms["clinical_molecular"] for name, arms in cohorts.items()}
    shares = {name: [one["covered"]["est"] for one in found.values()] for name, found in fullest.items()}
    outside = [name for name, found in shares.items() if not all(0.87 <= round(one, 3) <= 0.93 for one in found)]
    ends = [one for found in shares.values() for one in found]
    measured = f"{100 * min(ends):.1f} to {100 * max(ends):.1f} % over {len(shares)} kinds of training cohort"
    return Mark(f"{asked}, fullest arm, each kind of cohort", measured, not outside, f"outside: {'; '.join(outside)}")


def percent(figure: Mapping[str, Any]) -> dict[str, Any]:
    """A share times a hundred."""
    return {name: None if figure[name] is None else 100 * figure[name] for name in ("est", "lo", "hi")}


def _stains(value: Results | None) -> Iterator[Mark]:
    asked = (
        "SIMULATED: at least 95 % of DAB slides among H&E are left out",
        "SIMULATED: under 5 % of H&E slides of other sites are flagged",
    )
    if value is None:
        yield from (Mark(one, NOT_RUN, None) for one in asked)
        return
    found, false = percent(value["DAB"]["refused"]), percent(value[H_AND_E]["flagged"])
    yield Mark(asked[0], f"{said(found, 1)} % of {value['DAB']['asked']}", found["est"] >= 95)
    yield Mark(asked[1], f"{said(false, 1)} % of {value[H_AND_E]['asked']}", false["est"] < 5)


def _growth(value: Results | None) -> Iterator[Mark]:
    whole = value["whole"] if value else None
    if whole is None:
        yield Mark("300 patients x 5,000 tiles, all arms, 5x5, on 2 cores: under 30 minutes", NOT_RUN, None)
        return
    size = f"{whole['patients']} patients x {whole['tiles']:,} tiles"
    wall, half = whole["wall_s"] / 60, whole["cpu_s"] / 2 / 60
    measured = f"all of `medulla evaluate` in {wall:.1f} min by the clock, {half:.1f} min of each of 2 processors"
    yield Mark(f"{size}, all arms, 5x5, on 2 cores: under 30 minutes", measured, wall < 30)
