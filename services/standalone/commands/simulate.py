"""`medulla simulate`: writes a SIMULATED cohort for trials."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, progress, say

if TYPE_CHECKING:
    from services.trainer.simulation.simulate import Simulated, SimulationPlan


def simulate(
    patients: Annotated[int, typer.Option(help="How many patients.", min=1, max=1_000_000)],
    out: Annotated[Path, typer.Option(help="Folder for cohort.csv, embeddings and what is true of them.")],
    effect: Annotated[
        float, typer.Option(help="Hazard ratio per SD of what the slides show, given all else; 1 for none.", min=0.01)
    ] = 1.5,
    sites: Annotated[int, typer.Option(help="Hospitals, each with its scanner and stain.", min=1)] = 5,
    seed: Annotated[int, typer.Option(help="The same seed gives the same cohort.", min=0)] = 1,
    tiles: Annotated[int, typer.Option(help="Tiles of a patient, about.", min=1)] = 200,
    width: Annotated[int, typer.Option(help="Features of a tile.", min=8)] = 64,
    shift: Annotated[float, typer.Option(help="Stain and scanner shift between sites, in SD of a tile.", min=0)] = 1.0,
    outcome_seed: Annotated[
        int | None, typer.Option(help="Draw other outcomes and gaps for the same patients and slides.", min=0)
    ] = None,
    vectors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=COLUMNS,EFFECT",
            help="A block of vectors with its hazard ratio per SD: vectors/NAME.csv and profile.yaml; repeatable.",
        ),
    ] = None,
    slides: Annotated[bool, typer.Option("--slides", help="Also write small slides of real pixels.")] = False,
    rare: Annotated[
        bool,
        typer.Option("--rare", help="Let 3 to 8 % of tiles carry the hazard; backgrounds vary by patient and site."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a SIMULATED cohort: cohort.csv, embeddings, vectors, the truth, and small slides with --slides."""
    with loading():
        from services.trainer.simulation.simulate import SimulationPlan
        from services.trainer.simulation.vectors import vector_plans
    with exit_codes():
        blocks = vector_plans(vectors or ())
        plan = SimulationPlan(
            patients, effect, sites, seed, tiles, width, shift, outcome_seed=outcome_seed, vectors=blocks, rare=rare
        )
        _print_summary(_write(plan, out, with_slides=slides), out, as_json=as_json)


def _write(plan: "SimulationPlan", out: Path, *, with_slides: bool) -> "Simulated":
    from services.trainer.simulation.simulate import simulate as simulate_cohort

    with progress("patients") as advance:
        patients = simulate_cohort(plan, out, advance)
    if with_slides:
        from services.standalone.simulated_slides import write_slides

        with progress("slides") as advance:
            write_slides(patients, plan, out / "slides", advance)
    return patients


def _print_summary(patients: "Simulated", out: Path, *, as_json: bool) -> None:
    codes = patients.simulated_outcome.code
    events, cohort = [int((codes == code).sum()) for code in range(4)], out / "cohort.csv"
    if as_json:
        print_json({"simulated": True, "patients": len(codes), "events": events, "cohort": str(cohort)})
    else:
        say(f"SIMULATED: {len(codes)} patients who never lived, {events[1]} relapses, in {cohort}")
