"""EVIDENCE.md from the results of the parts: every figure in it is read from their JSON."""

from collections.abc import Mapping
from typing import Any

from shared.notice import NOTICE
from tests.studies.finetuning_report import markdown
from tests.studies.marks import marks, said
from tests.studies.sections import SECTIONS, controls, table
from tests.studies.study import StudyPlan

_NOTES = """\
## What these figures are not
- A SIMULATED figure says that the procedure does what it claims where the truth is known. It says nothing about a
  patient, and nothing about how much real slides of medulloblastoma tell.
- Cavalli has no slides and no relapse: it tests the clinical and molecular arms on overall survival. HANCOCK is
  another disease, and its image is one published texture vector a patient.
- Results of both vary by fold: the SD over folds stands beside each C. A difference between arms that is smaller
  than its interval is no difference that was shown.
- Chosen while looking at these very cohorts and at SIMULATED seeds 0 to 6, during development: that the indicator
  of a missing value is shrunk 16 times as hard, how a yes-or-no column is scaled before it is penalised, and that
  slides are read along 16 axes. HANCOCK's profile takes its kinds from the publisher; cuts that were once chosen on the
  data are gone. Of three scales the middle one was kept: over ten other repeats of five folds clinical C was 0.620,
  0.623 and 0.627 on Cavalli, and 0.692, 0.689 and 0.686 on HANCOCK, with one scale for all columns, with the geometric
  mean, and with each column's own standard deviation. Leaving the choice to the inner folds was no better (0.624 and
  0.688). Figures of both cohorts are mildly optimistic; an untouched cohort would say by how much.
- SIMULATED bags were first measured with 60 tiles a patient: fusion then reached 60 (43 to 82) % of the oracle's gain.
  Since then they have as many as `medulla simulate` writes by default. Fewer tiles show the latent less well.
- Networks were first 12, three for each of four inner folds: fusion then reached 76 (65 to 93) % on seeds 201 to 206.
  On seeds 401 to 406 that was 71 %, with six for each of five folds 81 %, with four for each of eight 81 %. The
  figures below are of seeds on which nothing was chosen.
- Slides of real pixels were first measured with 12 networks, on seeds 131 to 134 with one draw of outcomes each:
  fusion added 0.0075 (0.0009 to 0.0140) without an effect, and 42 % of an oracle's gain that was itself not sure.
- SIMULATED relapses first came a third earlier than those of real tables, and competing events were a third fewer.
  Fusion then reached 76 (51 to 94) % of the oracle's gain on bags and 66 (26 to 115) % on slides of real pixels (seeds
  151 to 153), and 83.9 to 95.7 % of intervals held the true risk by kind of cohort. All SIMULATED figures below, time
  and memory aside, are of the generator as it is.
- Starting the attention networks at a linear model of the mean tile was tried on other seeds (301 to 307): better
  with 60 tiles, worse with 200, and not kept.
- How a case's interval is made was chosen while looking at SIMULATED seeds 921 to 933, and at 101 to 107 of an
  earlier form that was too narrow for who lacks molecular data. The seeds below are others, but the generator is the
  same: coverage under another truth is not known, and where something acts that neither variables nor slides show,
  intervals are too narrow.
- LightGBM's arm has no refits, and its interval is 0 to 1.
- The mark of a gain is read at its estimate; the interval beside it says how sure that is, and where it passes the
  mark a larger study may decide otherwise.
"""

_HOW: Mapping[str, str] = {
    "cavalli": "Five times five folds, patient by patient; every fitted step inside the fold. Pooled C is the mean "
    "over the repeats of C over all out-of-fold answers, with a bootstrap of patients.",
    "hancock": "The same. Its profile counts what pathology says as clinical; p16 alone is molecular.",
    "bags": f"Patients have about {StudyPlan.tiles} tiles each. "
    "The model is trained by `train` and asked as `validate` asks; the oracle is the same ridge Cox model of "
    "the same training patients, with the true latent in the place of the pathomic log-risk. Gains are in "
    "Uno's C to 5 years over clinical_molecular. Intervals of a seed are of its patients, of a mean Student's "
    "over seeds, of the share reached of seeds and patients drawn again. r: correlation of the pathomic "
    "log-risk with the latent.",
    "slides": "`medulla simulate --slides` and `medulla embed` with the default encoder, then as with bags. Pixels "
    "show the latent alone, so a set of slides serves both effects and, for each, several draws of what became of the "
    "same patients (`--outcome-seed`). Every draw is trained and asked by itself, and counts within its set: means are "
    "over sets, with Student's interval, which few sets leave wide; the interval of a set is of its patients, each "
    "with all draws; that of the share reached is of sets, draws and patients drawn again.",
    "cross-validated": "One repeat of five folds of 300 patients, all arms.",
    "recovery": "The report's own multivariable estimates (`hazard_ratios`) on many tables without an effect of the "
    "slides. Molecular groups relapse at different times, so hazards are proportional within groups and not between "
    "them: the model is stratified by group, and patients of unknown group are a stratum. The same model with one "
    "baseline for all, tried first on tables 1001 to 1100, overstated MYC amplification and held it, and LCA, too "
    "seldom. The groups' own ratios have no true value here. The mark is missed where one of the 16 shares is so low "
    "that, were all intervals right, one or more would be in 5 % of such measurements (binomial, Bonferroni). Tables "
    "3001 to 3200 were held to a limit of each share's own, which right intervals miss in a third of measurements: "
    "MYCN amplification without gaps missed it (91.0 % of 200). The limit was changed after that, and the tables below "
    "are others.",
    "intervals": "The model is asked about patients of an external site; each arm about everyone who is known to it, "
    "as if the rest were missing. The truth is the probability by which the relapse was drawn, all causes known. "
    "Means over seeds with Student's interval.",
    "stains": "A reference (`slide_reference`) is made of H&E slides of five sites and asked about slides of five "
    "other sites: as they are, and with their colours taken apart and put together as another stain. DAB has pale "
    "haematoxylin, no eosin, and brown in a random share of nuclei or cytoplasm; each other stain likewise. The "
    "measures, the limits (flagged at 1.1, left out at 1.3 times the farthest left-out training slide) and the "
    "way of staining were set on seeds 171 and 777 and on 190 tiles of lung; the seeds below are others. Of DAB "
    "versions of 60 of those tiles, which come from several hospitals, half lay farther than every left-out tile "
    "by the mean embedding, and all by the colours of their stain; so slides are compared by both. At first the "
    "limits were 1.2 and 1.5 times, which left out 82 % of DAB slides on seed 171. Grey slides are turned away "
    "before. The real slide of another organ is the same one for every seed.",
    "growth": "One fold with all arms, in a process of its own; the first table row of each axis is repeated where the "
    "axes meet. Memory is the highest that the process ever held, libraries included.",
}


def document(found: Mapping[str, Any], finetuning: Mapping[str, Any] | None = None) -> str:
    """The whole note."""
    quick = any(one["quick"] for one in found.values())
    parts = [
        "# What the models are worth\n\n**Research use only. Not for diagnosis or treatment decisions.** "
        "Everything named SIMULATED is of patients who never lived.\n\nMade by `make science`, which rebuilds every "
        "figure in the marks and the sections below them. What was tried before and is no longer in the program stands "
        'under "What these figures are not": those numbers are kept as they were measured then.',
        "**QUICK: sizes so small that these figures show only that everything runs.**" if quick else "",
        "## Marks\n\n| mark | measured (95 % interval) | reached |\n|---|---|---|\n"
        + "\n".join(mark.row for mark in marks(found)),
        _NOTES.rstrip(),
        *(_section(name, found[name]) for name in SECTIONS if name in found),
        _finetuned(finetuning),
        _controls(found),
        _made(found),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _finetuned(report: Mapping[str, Any] | None) -> str:
    if report is None:
        return ""
    title = "Fine-tuning the encoder on real tiles"
    return f"## {title}\n\n{markdown(report).rstrip()}\n\n![{title}](figures/finetuning.svg)"


def _section(name: str, result: Mapping[str, Any]) -> str:
    from tests.studies.parts import PARTS  # noqa: PLC0415 - parts name the sections' figures

    title, write = SECTIONS[name]
    part = next(one for one in PARTS if one.name == name)
    pictures = [f"![{title}](figures/{part.stem}-{kind}.svg)" for kind in part.pictures(result["value"])]
    return "\n\n".join([f"## {title}", _HOW[name], write(result["value"]), *pictures])


def _controls(found: Mapping[str, Any]) -> str:
    rows = [
        (name, said(one["permuted_outcome_c"]), said(one["random_feature_gain"], 4)) for name, one in controls(found)
    ]
    if not rows:
        return ""
    header = ("cross-validation", "C with the outcome permuted (0.5)", "gain by a random feature (0)")
    return f"## Negative controls\n\nTen draws each, with the interval of their mean.\n\n{table(header, rows)}"


def _made(found: Mapping[str, Any]) -> str:
    header = ("part", "command", "seeds", "pieces", "wall, s", "processor, s")
    rows = [
        (
            name,
            f"`{one['command']}`",
            ", ".join(map(str, one["seeds"])),
            f"{one['pieces']} of {one['planned']}",
            one["wall_s"],
            one["cpu_s"],
        )
        for name, one in found.items()
    ]
    machines = sorted(
        {", ".join(f"{name} {value}" for name, value in one["machine"].items()) for one in found.values()}
    )
    return (
        "## How it was made\n\nWall times are sums over pieces, on a machine that had other work to do; processor "
        f"times say more.\n\n{table(header, rows)}\n\n" + "\n".join(f"- {line}" for line in machines) + f"\n\n{NOTICE}"
    )
