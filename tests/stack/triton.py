"""One Triton server that runs an encoder with the Python back end, on the CPU."""

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.stack import install
from tests.stack.home import StackError
from tests.stack.leftovers import memory_prefix, remove_memory
from tests.stack.process import Program, answers, clean_environment, require_free
from tests.support.checkout import CHECKOUT

DEFAULT_ENCODER = CHECKOUT / "services" / "embedder" / "encoders" / "efficientnet_lite0"


@dataclass(frozen=True)
class Triton:
    """A server on three ports of loopback; its model repository is made from the folder `encoder`."""

    folder: Path
    http_port: int
    grpc_port: int
    metrics_port: int
    encoder: Path = DEFAULT_ENCODER

    @property
    def url(self) -> str:
        """Address for gRPC clients."""
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def metrics_url(self) -> str:
        """Where Triton's own metrics are."""
        return f"http://127.0.0.1:{self.metrics_port}/metrics"

    @property
    def models(self) -> Path:
        """The model repository."""
        return self.folder / "models"

    @cached_property
    def program(self) -> Program:
        """The server's process; it starts one more, which ends with it."""
        return Program("triton", self.folder, self._server(), self._environment())

    def _server(self) -> list[str]:
        installed = install.triton()
        loopback = [word for name in ("http", "grpc", "metrics") for word in (f"--{name}-address", "127.0.0.1")]
        ports = {"http": self.http_port, "grpc": self.grpc_port, "metrics": self.metrics_port}
        return [
            str(installed / "pkg/pytriton/tritonserver/bin/tritonserver"),
            f"--model-repository={self.models}",
            f"--backend-directory={installed / 'backends'}",
            f"--backend-config=python,shm-region-prefix-name={memory_prefix(self.folder)}",
            "--disable-auto-complete-config",
            *loopback,
            *(f"--{name}-port={port}" for name, port in ports.items()),
        ]

    def _environment(self) -> dict[str, str]:
        """The back end takes `python3` from PATH, and cannot load without the shared library of that Python."""
        installed = install.triton()
        libraries = f"{installed / 'pkg/nvidia_pytriton.libs'}:{sysconfig.get_config_var('LIBDIR')}"
        return {"PATH": f"{installed / 'env/bin'}:{os.environ['PATH']}", "LD_LIBRARY_PATH": libraries}

    def start(self) -> None:
        """Make the model repository and start; ready when the encoder answers.

        Raises:
            StackError: it did not start.
        """
        require_free("Triton", self.http_port, self.grpc_port, self.metrics_port)
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.models.exists():
            self._write_models()
        self.program.start(lambda: answers(f"http://127.0.0.1:{self.http_port}/v2/health/ready"), seconds=120)

    def _write_models(self) -> None:
        command = [sys.executable, "-m", "services.embedder.triton_repository", "--backend", "python"]
        places = ["--encoder", str(self.encoder), "--out", str(self.models)]
        done = subprocess.run(
            [*command, *places], cwd=CHECKOUT, env=clean_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StackError(f"Triton's model repository could not be made: {done.stderr.strip()}")

    def stop(self) -> None:
        """Shut down in order."""
        self.program.stop()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL), and remove the memory that it shared with the other process."""
        self.program.kill()
        remove_memory(self.folder)
