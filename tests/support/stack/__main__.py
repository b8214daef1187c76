"""`python -m tests.support.stack`: install the real parts, or run them all with the four services."""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.support.stack import install
from tests.support.stack.home import StackError


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.support.stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("install", help="install real parts (all when none is named)")
    command.add_argument("parts", nargs="*", choices=[*install.PARTS, []], metavar="PART")
    commands.add_parser("uv", help="install uv and print where it is")
    return parser.parse_args()


def _install(parts: list[str]) -> int:
    """Install side by side; say in one sentence each what cannot be had. A missing part is an error in CI only."""
    with ThreadPoolExecutor() as pool:
        missing = [sentence for sentence in pool.map(_try_install, parts or list(install.PARTS)) if sentence]
    for sentence in missing:
        print(f"stack: {sentence}", file=sys.stderr)
    return 1 if missing and os.environ.get("CI") == "true" else 0


def _try_install(part: str) -> str:
    try:
        install.PARTS[part]()
    except StackError as error:
        return str(error)
    return ""


def main() -> int:
    """Do what the command line says; a refusal is one sentence and status 1."""
    arguments = _arguments()
    try:
        if arguments.command == "install":
            return _install(arguments.parts)
        print(install.uv())
    except StackError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
