"""What checks the chart without a cluster: Go programs built once, promtool, and Kubernetes' schemas as JSON."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.stack import install, system
from tests.stack.home import MissingPartError, home, inside, install_once

KUBERNETES = "1.34.0"
KUBERNETES_RANGE = ("1.30.0", "1.37.0")
"""The oldest and the newest that the chart supports; manifests are held against the schemas of these, too."""
OLDEST_GO = (1, 26)
_SCHEMA_VERSIONS = (KUBERNETES, *KUBERNETES_RANGE)
_SCHEMAS = f"kubernetes-schemas-{'-'.join(_SCHEMA_VERSIONS)}"
_SCHEMA_PACKAGE = "kubernetes-validate==1.37.0"
_PROMETHEUS = "prometheus-debian"


@dataclass(frozen=True)
class GoTool:
    """A program of a Go module; `replace` where the module's own replacements are needed to build it."""

    name: str
    package: str
    module: str
    version: str
    replace: str = ""

    @property
    def folder(self) -> str:
        """Its place in the home."""
        return f"{self.name}-{self.version.removeprefix('v')}"

    def build(self, folder: Path) -> None:
        """Build it in a module of its own, which works also where `go install` cannot ask for the newest version."""
        (folder / "go.mod").write_text(f"module tools\ngo 1.26\nrequire {self.module} {self.version}\n{self.replace}\n")
        (folder / "tools.go").write_text(f'package tools\n\nimport _ "{self.package}"\n')
        print(f"stack: building {self.name}", flush=True)
        flags = ["-mod=mod", "-trimpath", "-ldflags", "-s -w"]
        go = str(install.go(OLDEST_GO))
        command = ["nice", "-n", "19", go, "build", "-C", str(folder), *flags, "-o", self.name, self.package]
        system.run(self.folder, command, install.go_environment(_go_cache()))


GO_TOOLS = (
    GoTool("helm", "helm.sh/helm/v3/cmd/helm", "helm.sh/helm/v3", "v3.22.0"),
    GoTool("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", "github.com/yannh/kubeconform", "v0.8.0"),
    GoTool(
        "helm-unittest",
        "github.com/helm-unittest/helm-unittest/cmd/helm-unittest",
        "github.com/helm-unittest/helm-unittest",
        "v1.1.2",
        "replace github.com/vmware-labs/yaml-jsonpath v0.3.2 => github.com/helm-unittest/yaml-jsonpath v0.4.0",
    ),
    GoTool("kube-score", "github.com/zegl/kube-score/cmd/kube-score", "github.com/zegl/kube-score", "v1.20.0"),
    GoTool(
        "crane",
        "github.com/google/go-containerregistry/cmd/crane",
        "github.com/google/go-containerregistry",
        "v0.22.1",
    ),
    GoTool("helm-docs", "github.com/norwoodj/helm-docs/cmd/helm-docs", "github.com/norwoodj/helm-docs", "v1.14.2"),
)


def tool(name: str) -> Path:
    """A program that is installed.

    Raises:
        MissingPartError: it is not.
    """
    candidates = [home() / each.folder / name for each in GO_TOOLS if each.name == name]
    if name == "promtool":
        candidates = [_promtool()]
    if candidates and candidates[0].is_file():
        return candidates[0]
    raise MissingPartError(f"{name} is not on this machine; `make parts` installs what it can.")


def schemas() -> Path:
    """Folder of Kubernetes' schemas, as kubeconform takes it.

    Raises:
        MissingPartError: they are not on this machine.
    """
    if (home() / _SCHEMAS).is_dir():
        return home() / _SCHEMAS
    raise MissingPartError("Kubernetes' schemas are not on this machine; `make parts` fetches them.")


def install_all() -> Path:
    """Install whatever of it is missing; gives the home.

    Raises:
        MissingPartError: some of it cannot be had.
    """
    install_once(_SCHEMAS, _fetch_schemas)
    if not _promtool().is_file():
        install_once(_PROMETHEUS, _unpack_prometheus)
    for each in GO_TOOLS:
        install_once(each.folder, each.build)
    shutil.rmtree(_go_cache(), ignore_errors=True)
    return home()


def _go_cache() -> Path:
    return inside("cache", "go-chart")


def _promtool() -> Path:
    path = shutil.which("promtool")
    return Path(path) if path else home() / _PROMETHEUS / "usr" / "bin" / "promtool"


def _unpack_prometheus(folder: Path) -> None:
    """Debian's package, unpacked and not installed, so that no server of its own starts."""
    if shutil.which("apt-get") is None:
        raise MissingPartError("The chart's alerts need promtool: install Prometheus.")
    system.download_package("prometheus", folder)
    (package,) = folder.glob("prometheus_*.deb")
    system.run(_PROMETHEUS, ["dpkg-deb", "-x", str(package), str(folder)])
    package.unlink()


def _fetch_schemas(folder: Path) -> None:
    """Those of a PyPI package, made to refer to each other by file name and not to the internet."""
    install.install_aside(folder / "pkg", _SCHEMA_PACKAGE)
    packed = folder / "pkg" / "kubernetes_validate" / "kubernetes-json-schema"
    for version in _SCHEMA_VERSIONS:
        unpacked = folder / f"v{version}-standalone-strict"
        unpacked.mkdir()
        for schema in (packed / f"v{version}-local-strict").glob("*.json"):
            (unpacked / schema.name).write_text(_relative(schema.name, schema.read_text()))
    shutil.rmtree(folder / "pkg")


def _relative(name: str, text: str) -> str:
    text = text.replace('"/api/_definitions.json', '"_definitions.json')
    if name == "_definitions.json":
        text = text.replace('"_definitions.json#', '"#')
    return json.dumps({key: value for key, value in json.loads(text).items() if key != "$id"})
