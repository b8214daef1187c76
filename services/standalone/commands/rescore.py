"""`medulla rescore`: how many cases of the running system are scored again, or the promoted bundle."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, say
from shared.words import counted


def rescore(
    cases: Annotated[
        list[str] | None, typer.Argument(metavar="CASE", help="Case ids; all where none is named.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Promote this bundle, also s3://BUCKET/KEY; every case is then scored.")
    ] = None,
    despite_reservations: Annotated[
        bool, typer.Option("--despite-reservations", help="Promote it although its card says what speaks against it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have cases of the running system scored again from their stored bags."""
    if bundle and cases:
        raise typer.BadParameter("--bundle promotes a bundle for every case; name cases, or a bundle")
    with loading():
        from services.standalone import running_system
        from services.trainer.bucket.copies import copies
    promote = running_system.promote_bundle
    with exit_codes(), copies() as copied:
        promotion = promote(copied.bundle(bundle), despite_reservations=despite_reservations) if bundle else None
        count = 0 if bundle else running_system.rescore(cases or [])
    if as_json:
        waiting = promotion.waiting if promotion else 0
        print_json({"promoted": promotion.digest if promotion else "", "asked": count, "waiting": waiting})
    elif promotion:
        say(f"promoted {promotion.digest}; {promotion.sentence}")
    else:
        say(f"{counted(count, 'case')} {'is' if count == 1 else 'are'} scored again")
