"""`medulla backup`: a backup of the running system's database and bucket."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, say


class LeftOut(StrEnum):
    """Folders of the bucket that another tool may back up, or the services make again."""

    SLIDES = "slides"
    PLANS = "plans"
    EMBEDDINGS = "embeddings"
    ATTENTION = "attention"


def backup(
    to: Annotated[Path, typer.Option(help="A folder, or s3://BUCKET/FOLDER of another object store (BACKUP_S3__…).")],
    without: Annotated[
        list[LeftOut] | None, typer.Option(help="Leave out this folder of the bucket; repeatable.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Afterwards remove all backups but the newest so many.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Back up database and bucket while the services run; objects of the last backup are not copied again."""
    with loading():
        from services.standalone.backup import lines, running_system
    with exit_codes():
        manifest, removed = running_system.make(to, [folder.value for folder in without or ()], keep)
    if as_json:
        print_json(lines.backup_json(manifest) | {"removed": removed})
    else:
        say("\n".join([lines.backup_line(manifest), *(f"{name}: removed" for name in removed)]))
