"""A registry of images and charts on loopback, which keeps what is pushed in a folder: crane's."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.stack.chart_tools import tool
from tests.stack.process import Program, answers, require_free


@dataclass(frozen=True)
class Registry:
    """A registry that speaks HTTP on one port of loopback, which docker, helm and containerd allow there alone."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        """What names of its images begin with."""
        return f"127.0.0.1:{self.port}"

    @cached_property
    def program(self) -> Program:
        """The server's process."""
        blobs = self.folder / "blobs"
        blobs.mkdir(parents=True, exist_ok=True)
        argv = [str(tool("crane")), "registry", "serve", "--address", self.address, "--disk", str(blobs)]
        return Program("registry", self.folder, argv)

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            StackError: the port is taken, or it does not start.
        """
        require_free("The registry", self.port)
        self.program.start(lambda: answers(f"http://{self.address}/v2/"))

    def stop(self) -> None:
        """End it."""
        self.program.stop()
