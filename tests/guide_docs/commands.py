"""The page of commands: every command of `medulla` with its options, from the command line itself."""

import re
from collections.abc import Iterator
from functools import cache

import typer
from typer.core import TyperCommand, TyperGroup

from services.standalone.app import app
from tests.guide_docs.markdown import GENERATED, code, table

_HEAD = f"""# Commands

{GENERATED}

Every command that prints takes `--json`. Exit codes: 0 done, 1 the input is at fault, 2 wrong usage, 3 a dependency
is down or a library
is missing, 130 stopped with Ctrl-C. `medulla COMMAND --help` shows the same in a terminal.
"""
_JSON = "--json"
_EXTRA = re.compile(r"  \[(?P<extra>[^\[]*)\]$")
"""What the help adds to an option: its default, range, or that it is required."""


def page() -> str:
    """Markdown of all commands."""
    return _HEAD + "".join(f"\n{_section(name, command)}" for name, command in sorted(commands().items()))


@cache
def commands() -> dict[str, TyperCommand]:
    """Every command by its full name, such as `bundle show`."""
    return dict(_below(typer.main.get_command(app), ""))


def _below(command: object, name: str) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperCommand):
        yield name, command
    if isinstance(command, TyperGroup):
        for word, each in command.commands.items():
            yield from _below(each, f"{name} {word}".strip())


def _section(name: str, command: TyperCommand) -> str:
    context = command.make_context(f"medulla {name}", [], resilient_parsing=True)
    records = (parameter.get_help_record(context) for parameter in command.params)
    rows = [_row(*record) for record in records if record and record[0] != _JSON]
    about = "\n\n".join(" ".join(words.split()) for words in (command.help or "").split("\n\n"))
    usage = command.get_usage(context).removeprefix("Usage: ")
    return f"## medulla {name}\n\n{about}\n\n```\n{' '.join(usage.split())}\n```\n\n" + table(
        ("option", "what", "default, range"), rows
    )


def _row(names: str, about: str) -> tuple[str, str, str]:
    match = _EXTRA.search(about)
    return code(names), _EXTRA.sub("", about), match["extra"].removeprefix("default: ") if match else ""
