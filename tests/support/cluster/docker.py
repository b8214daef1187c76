"""`docker build` and `docker push`, as documents have them, by whatever builds images here."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.cluster import images


def install(folder: Path) -> Path:
    """Put a program `docker` into a folder, which then goes onto the PATH; gives the folder."""
    program = folder / "docker"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m {__name__} "$@"\n')
    program.chmod(0o755)
    return folder


def main(arguments: Sequence[str]) -> int:
    """Build or push an image; 0 when it is done."""
    parser = argparse.ArgumentParser(prog="docker")
    commands = parser.add_subparsers(dest="do", required=True)
    build = commands.add_parser("build")
    build.add_argument("-f", "--file", default="Dockerfile")
    build.add_argument("-t", "--tag", required=True)
    build.add_argument("--build-arg", action="append", default=[])
    build.add_argument("folder", type=Path)
    commands.add_parser("push").add_argument("image")
    options = parser.parse_args(arguments)
    if options.do == "push":
        images.push(options.image)
    else:
        settings = dict(each.split("=", 1) for each in options.build_arg)
        images.build_image(options.tag, options.folder.resolve(), options.file, **settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
