"""`medulla simulate`: writes a SIMULATED cohort for trials."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, progress, say


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
    as_json: AsJson = False,
) -> None:
    """Write a SIMULATED cohort: cohort.csv, embeddings, vectors, the truth, and small slides with --slides."""
    with loading():
        from services.trainer.simulation.simulate import SimulationPlan
        from services.trainer.simulation.simulate import simulate as simulate_cohort
        from services.trainer.simulation.vectors import vector_plans
    with exit_codes():
        blocks = vector_plans(vectors or ())
        plan = SimulationPlan(
            patients, effect, sites, seed, tiles, width, shift, outcome_seed=outcome_seed, vectors=blocks
        )
        with progress("patients") as advance:
            drawn = simulate_cohort(plan, out, advance)
        if slides:
            from services.standalone.simulated_slides import write_slides

            with progress("slides") as advance:
                write_slides(drawn, plan, out / "slides", advance)
    events = [int((drawn.simulated_outcome.code == code).sum()) for code in range(4)]
    if as_json:
        print_json({"simulated": True, "patients": patients, "events": events, "cohort": str(out / "cohort.csv")})
    else:
        say(f"SIMULATED: {patients} patients who never lived, {events[1]} relapses, in {out / 'cohort.csv'}")
