"""The images of a checkout: built by whatever builder is there, and made known to the cluster."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

from tests.stack import install
from tests.stack.home import MissingPartError, inside
from tests.stack.process import clean_environment, tail
from tests.stack.scalers import Scaler
from tests.support.checkout import CHECKOUT
from tests.support.cluster.release import SERVICES
from tests.support.cluster.scaling import ADDONS

BUILD, LOAD = "MEDULLA_BUILD_IMAGE", "MEDULLA_LOAD_IMAGE"
"""Commands of the user's, called with IMAGE FOLDER OPTIONS… (those of docker build) and with IMAGE…."""
BASE = "MEDULLA_BASE_IMAGE"
"""The image to build on where that of the Dockerfiles cannot be had by digest; a user's own builder gets its tag."""
APT_SNAPSHOT = "MEDULLA_APT_SNAPSHOT"
"""The snapshot of Debian in place of that of the Dockerfiles; empty, as with a user's own builder: none."""
WITH_TRAINER = "MEDULLA_WITH_TRAINER"
"""Set: the trainer's image as well, which takes 5 GB, and four times that while it is built and loaded."""
IMAGES = (*SERVICES, "standalone", *(["trainer"] if os.environ.get(WITH_TRAINER) else []))
TAG, NEXT = "0.1.0", "0.1.1"
"""This checkout's version, and the same services calling themselves a newer one."""
DEV, PROMETHEUS = "medulla/dev", "medulla/prometheus"
_AT_ONCE = 2
"""Images built in parallel: while one downloads, another packs."""
_BASE_TAG = "python:3.11-slim-bookworm"
_FOLDER = Path(__file__).parent


def build() -> None:
    """Build every image of a release, the next version's too, and give them to the cluster.

    Our own come first, as what is wrong with a checkout shows there; an add-on takes long to compile.

    Raises:
        MissingPartError: nothing here builds images, or it failed.
    """
    first = _at_once([partial(_build_own, name) for name in IMAGES])
    on_them: list[Callable[[], str]] = [_build_triton, *(partial(_build_next, service) for service in SERVICES)]
    addons = (partial(_build_scaler, each.parts) for each in ADDONS if each.missing())
    load([*first, *_at_once([*on_them, _build_dev, _build_prometheus, *addons])])


def _at_once(builds: Sequence[Callable[[], str]]) -> list[str]:
    """The images of all, a number of which are built in parallel; those that wait are dropped once one failed."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = [pool.submit(each) for each in builds]
        wait(running, return_when=FIRST_EXCEPTION)
        pool.shutdown(cancel_futures=True)
        failures = [each.exception() for each in running if not each.cancelled()]
    for failure in filter(None, failures):
        raise failure
    return [each.result() for each in running]


def _build_own(name: str) -> str:
    return build_image(f"medulla/{name}:{TAG}", CHECKOUT, "docker/Dockerfile", SERVICE=name)


def _build_triton() -> str:
    settings = {"EMBEDDER": _local(f"medulla/embedder:{TAG}"), "TRITON": "cpu", "SERVING": "--backend python"}
    return build_image(f"medulla/triton:{TAG}-cpu", CHECKOUT, "docker/triton/Dockerfile", **settings)


def _build_next(service: str) -> str:
    image = _local(f"medulla/{service}:{TAG}")
    with tempfile.TemporaryDirectory() as empty:
        file = str(_FOLDER / "next.Dockerfile")
        return build_image(f"medulla/{service}:{NEXT}", Path(empty), file, IMAGE=image, VERSION=NEXT)


def _local(image: str) -> str:
    """Podman and buildah keep what they build under `localhost/`."""
    return f"localhost/{image}" if _has_image(f"localhost/{image}") else image


def _has_image(image: str) -> bool:
    keeper = next(filter(shutil.which, ("podman", "buildah")), "")
    return bool(keeper) and _holds(keeper, image)


def _build_dev() -> str:
    """Kafka, MinIO and PostgreSQL, out of what `make parts` has installed."""
    with tempfile.TemporaryDirectory(dir=inside("partial")) as folder:
        context = Path(folder)
        shutil.copytree(install.kafka(), context / "kafka")
        shutil.copy2(install.minio(), context / "minio")
        return build_image(f"{DEV}:{TAG}", context, str(CHECKOUT / "docker" / "dev" / "Dockerfile"))


def _build_prometheus() -> str:
    with tempfile.TemporaryDirectory() as empty:
        return build_image(
            f"{PROMETHEUS}:{TAG}", Path(empty), str(CHECKOUT / "docker" / "dev" / "prometheus.Dockerfile")
        )


def _build_scaler(scaler: Scaler) -> str:
    return build_image(scaler.image, scaler.install(), str(CHECKOUT / "docker" / "dev" / "scaler.Dockerfile"))


def build_image(image: str, folder: Path, file: str, **arguments: str) -> str:
    """Build an image of a folder by a Dockerfile and its build arguments; gives its name.

    Raises:
        MissingPartError: nothing here builds images, or it failed.
    """
    print(f"cluster: building {image}", flush=True)
    arguments = {**_base(folder / file), **_apt_snapshot(folder / file), **arguments}
    settings = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    _run(image, [*_builder(image), *_placed(folder, ["--file", file, *settings])], folder)
    return image


def _base(file: Path) -> dict[str, str]:
    """The build argument BASE, for Dockerfiles that have it; none where that of the Dockerfile serves."""
    base = os.environ.get(BASE) or (_BASE_TAG if os.environ.get(BUILD) else "")
    return {"BASE": base} if base and "ARG BASE=" in file.read_text() else {}


def _apt_snapshot(file: Path) -> dict[str, str]:
    """The build argument APT_SNAPSHOT, for Dockerfiles that have it; none where that of the Dockerfile serves."""
    if not (APT_SNAPSHOT in os.environ or os.environ.get(BUILD)) or "ARG APT_SNAPSHOT=" not in file.read_text():
        return {}
    return {"APT_SNAPSHOT": os.environ.get(APT_SNAPSHOT, "")}


def _builder(image: str) -> list[str]:
    if own := os.environ.get(BUILD):
        return [*shlex.split(own), image]
    for program in ("docker", "podman"):
        if (
            shutil.which(program)
            and subprocess.run([program, "info"], capture_output=True, check=False).returncode == 0
        ):
            return [program, "build", "--tag", image]
    if shutil.which("buildah"):
        return ["buildah", "bud", "--layers", "--tag", image]
    raise MissingPartError(f"Nothing here builds images: start docker or podman, or name a command in {BUILD}.")


def _placed(folder: Path, options: Sequence[str]) -> list[str]:
    """A command of the user's takes the folder before the options, the builders after them."""
    return [str(folder), *options] if os.environ.get(BUILD) else [*options, str(folder)]


def push(image: str) -> None:
    """Send an image to the registry that its name begins with.

    Raises:
        MissingPartError: nothing here has the image, or the registry refused it.
    """
    commands = {
        "docker": ["docker", "push"],
        "podman": ["podman", "push", "--tls-verify=false"],
        "buildah": ["buildah", "push", "--tls-verify=false"],
    }
    for program, command in commands.items():
        if shutil.which(program) and _holds(program, image):
            return _run(image, [*command, image], CHECKOUT)
    raise MissingPartError(f"Neither docker, podman nor buildah has {image}.")


def _holds(program: str, image: str) -> bool:
    command = [program, "inspect", "--type", "image", image]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def load(images: Iterable[str]) -> None:
    """Make images known to the cluster's nodes.

    Raises:
        MissingPartError: nobody said how, and the cluster is none whose own tool does it.
    """
    names = list(images)
    print(f"cluster: loading {len(names)} images", flush=True)
    _run("load", [*_loader(), *names], CHECKOUT)


def _loader() -> list[str]:
    if own := os.environ.get(LOAD):
        return shlex.split(own)
    context = subprocess.run(["kubectl", "config", "current-context"], capture_output=True, text=True, check=False)
    name = context.stdout.strip()
    if name.startswith("kind-"):
        return ["kind", "load", "docker-image", "--name", name.removeprefix("kind-")]
    if name.startswith("k3d-"):
        return ["k3d", "image", "import", "--cluster", name.removeprefix("k3d-")]
    if name == "minikube":
        return ["minikube", "image", "load"]
    raise MissingPartError(f"Name in {LOAD} a command that makes the images it is given known to the cluster.")


def _run(name: str, command: Sequence[str], folder: Path) -> None:
    log = inside("logs") / f"image-{name.replace('/', '-').replace(':', '-')}.log"
    environment = clean_environment(BUILDAH_LAYERS="true")
    with log.open("wb") as output:
        done = subprocess.run(command, cwd=folder, env=environment, stdout=output, stderr=output, check=False)
    if done.returncode != 0:
        raise MissingPartError(f"{command[0]} failed on {name}; the end of {log}:\n{tail(log)}")
