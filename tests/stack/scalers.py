"""What scales on a cluster that has nothing for it: KEDA and metrics-server, of their Go modules, for `make e2e`."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.stack import chart_tools, install, system
from tests.stack.home import inside, install_once


@dataclass(frozen=True)
class Scaler:
    """Programs of a Go module that run in a cluster, and the manifests that come with it."""

    name: str
    module: str
    version: str
    programs: Mapping[str, str]
    """Each program's folder in the module."""
    manifests: str
    """Folder with all of them in the module."""

    @property
    def image(self) -> str:
        """What its image is called."""
        return f"medulla/{self.name}:{self.version.removeprefix('v')}"

    def install(self) -> Path:
        """Folder with `programs` and the manifests; building KEDA takes 13 minutes of CPU, once."""
        return install_once(f"{self.name}-{self.version.removeprefix('v')}", self._build)

    def _build(self, folder: Path) -> None:
        """In a copy of the module, where its own pins and replacements hold."""
        print(f"stack: building {self.name}", flush=True)
        cache, source = inside("cache", f"go-{self.name}"), folder / "source"
        self._go(cache, "mod", "download", f"{self.module}@{self.version}")
        shutil.copytree(cache / "path" / "pkg" / "mod" / f"{self.module}@{self.version}", source)
        for program, package in self.programs.items():
            flags = ("-trimpath", "-ldflags", "-s -w", "-o", str(folder / "programs" / program))
            self._go(cache, "-C", str(source), "build", *flags, f"./{package}")
        (source / self.manifests).rename(folder / self.manifests)
        shutil.rmtree(source)
        shutil.rmtree(cache)

    def _go(self, cache: Path, *arguments: str) -> None:
        compiler = str(install.go(chart_tools.OLDEST_GO))
        system.run(self.name, ["nice", "-n", "19", compiler, *arguments], install.go_environment(cache))


KEDA = Scaler(
    "keda",
    "github.com/kedacore/keda/v2",
    "v2.20.2",
    {"keda": "cmd/operator", "keda-adapter": "cmd/adapter"},
    "config",
)
METRICS_SERVER = Scaler(
    "metrics-server",
    "sigs.k8s.io/metrics-server",
    "v0.8.0",
    {"metrics-server": "cmd/metrics-server"},
    "manifests",
)
