"""`medulla rescore`: scores cases of the running system again, promotes a bundle, says how far that is, stops it."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson, DespiteReservations
from services.standalone.console import exit_codes, loading, print_json, say
from shared.words import counted


def rescore(
    cases: Annotated[
        list[str] | None,
        typer.Argument(metavar="CASE", help="Case ids; where none is named all, in the background."),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Promote this bundle, also s3://BUCKET/KEY; every case is then scored.")
    ] = None,
    despite_reservations: DespiteReservations = False,
    status: Annotated[
        bool,
        typer.Option(
            "--status", help="Say how far scoring in the background is: cases that are done and wait, rate, time."
        ),
    ] = False,
    stop: Annotated[
        bool,
        typer.Option("--stop", help="Drop what waits in the background, until the next promotion or rescore of all."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have cases of the running system scored again from their stored bags; cases that did not change are skipped."""
    if bundle and cases:
        raise typer.BadParameter("--bundle promotes a bundle for every case; name cases, or a bundle")
    if (status or stop) and (bundle or cases):
        raise typer.BadParameter("--status and --stop are about all cases; name no case and no bundle")
    if status or stop:
        _show_progress(stop=stop, as_json=as_json)
    else:
        _request(cases or [], bundle, despite_reservations=despite_reservations, as_json=as_json)


def _show_progress(*, stop: bool, as_json: bool) -> None:
    with loading():
        from services.standalone import running_system
    with exit_codes():
        if stop:
            running_system.stop_rescoring()
        progress = running_system.rescoring()
    if as_json:
        print_json(progress.as_json())
    else:
        say(progress.sentence)


def _request(cases: list[str], bundle: Path | None, *, despite_reservations: bool, as_json: bool) -> None:
    with loading():
        from services.standalone import running_system
        from services.trainer.bucket.copies import copies
    promote = running_system.promote_bundle
    with exit_codes(), copies() as copied:
        promotion = promote(copied.bundle(bundle), despite_reservations=despite_reservations) if bundle else None
        count = 0 if bundle else running_system.rescore(cases)
    if as_json:
        waiting = promotion.waiting if promotion else 0
        print_json({"promoted": promotion.digest if promotion else "", "asked": count, "waiting": waiting})
    elif promotion:
        say(f"promoted {promotion.digest}; {promotion.sentence}")
    else:
        say(f"{counted(count, 'case')} {'is' if count == 1 else 'are'} scored again")
