"""`medulla restore`: database and bucket of the running system out of a backup."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import complain, exit_codes, loading, print_json, progress, say
from shared.exit_codes import AT_FAULT

if TYPE_CHECKING:
    from services.standalone.backup.restoring import Restored


class Lost(StrEnum):
    """What was lost, where not both were."""

    DATABASE = "database"
    BUCKET = "bucket"


Source = Annotated[Path, typer.Option("--from", help="Where `medulla backup --to` stored it.")]
Name = Annotated[str, typer.Option("--backup", metavar="NAME", help="The backup; by default the newest.")]
Only = Annotated[Lost | None, typer.Option(help="Restore one of the two, where the other was not lost.")]
Listing = Annotated[bool, typer.Option("--list", help="List the backups, and restore nothing.")]
Checking = Annotated[bool, typer.Option("--check", help="Read every byte of the backup, and restore nothing.")]


def restore(
    source: Source,
    name: Name = "",
    only: Only = None,
    listing: Listing = False,
    checking: Checking = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into an empty database and bucket while no service runs, and verify the audit record."""
    if listing:
        _list(source, as_json=as_json)
    elif checking:
        _check(source, name, as_json=as_json)
    else:
        _restore(source, name, only.value if only else "", as_json=as_json)


def _list(source: Path, *, as_json: bool) -> None:
    with loading():
        from services.standalone.backup import lines, running_system
    with exit_codes():
        store = running_system.backups(source)
        manifests = [store.manifest(name) for name in store.names()]
    if as_json:
        print_json([lines.backup_json(manifest) for manifest in manifests])
    else:
        say("\n".join(map(lines.backup_line, manifests)) or "no backup")


def _check(source: Path, name: str, *, as_json: bool) -> None:
    with loading():
        from services.standalone.backup import lines, running_system
    with exit_codes():
        store = running_system.backups(source)
        manifest = store.manifest(name)
        parts = running_system.check(store, manifest)
    if as_json:
        print_json(lines.backup_json(manifest) | {"parts": parts})
    else:
        say(f"{lines.backup_line(manifest)}; every byte is as it was stored")


def _restore(source: Path, name: str, only: str, *, as_json: bool) -> None:
    with loading():
        from services.standalone.backup import lines, running_system
    with exit_codes(goes_on=True):
        store = running_system.backups(source)
        with progress("Objects") as advance:
            restored = running_system.restore(store, store.manifest(name), only, advance)
    if as_json:
        print_json(lines.restored_json(restored))
    else:
        say(lines.restored_line(restored))
    _complain(restored)


def _complain(restored: "Restored") -> None:
    """What is left to do."""
    if restored.unknown_erasures:
        complain(
            f"Cases that were erased since {restored.known_until.isoformat(timespec='minutes')} are not known "
            f"({restored.unknown_erasures}): erase them again with `medulla erase` once the services run."
        )
    if restored.backup.without and restored.objects:
        folders = " and ".join(f"{folder}/" for folder in restored.backup.without)
        complain(f"The backup has no {folders}: what was not there before the services start counts as deleted.")
    if not restored.audit.intact:
        raise typer.Exit(AT_FAULT)
