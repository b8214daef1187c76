"""`python -m tests.stack`: install the real parts, or run them all with the four services."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.stack import chart_tools, install
from tests.stack.home import StackError, inside
from tests.stack.runs import end_programs, running_programs

PARTS = {**install.PARTS, "chart": chart_tools.install_all}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("install", help="install real parts (all when none is named)")
    command.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    commands.add_parser("uv", help="install uv and print where it is")
    commands.add_parser("up", help="start all real parts and the four services")
    commands.add_parser("down", help="end what `up` started")
    commands.add_parser("status", help="say what runs of it")
    command = commands.add_parser("put", help="land a slide or a clinical record in what `up` started")
    command.add_argument("--case", required=True)
    command.add_argument("--slide", type=Path)
    command.add_argument("--clinical", type=Path)
    return parser.parse_args()


def _install(parts: list[str]) -> None:
    """Install side by side; say in one sentence each what cannot be had, and leave it to the tests to fail on it."""
    with ThreadPoolExecutor() as pool:
        sentences = pool.map(_try_install, parts or list(PARTS))
        missing = [sentence for sentence in dict.fromkeys(sentences) if sentence]
    for sentence in missing:
        print(f"stack: {sentence}", file=sys.stderr)


def _try_install(part: str) -> str:
    try:
        PARTS[part]()
    except StackError as error:
        return str(error)
    return ""


def _down() -> None:
    ended = end_programs(inside("stack"))
    print(f"stack: ended {', '.join(ended)}" if ended else "stack: nothing ran")


def _status() -> None:
    running = running_programs(inside("stack"))
    for program in running:
        print(f"stack: {program.name} runs, log {program.log}")
    if not running:
        print("stack: nothing runs")


def _do(arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "install":
            _install(arguments.parts)
        case "uv":
            print(install.uv())
        case "down":
            _down()
        case "status":
            _status()
        case _:
            _develop(arguments)


def _develop(arguments: argparse.Namespace) -> None:
    from tests.stack import development  # noqa: PLC0415 - needs the environment that the others set up

    if arguments.command == "up":
        development.up()
    else:
        development.put(arguments.slide, arguments.case, arguments.clinical)


def main() -> int:
    """Do what the command line says; a refusal is one sentence and status 1."""
    try:
        _do(_arguments())
    except StackError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
