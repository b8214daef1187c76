"""Only an image that a registry does not have may be missing in a release; crane is a stand-in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.release import __main__ as release
from tests.release import registry
from tests.release.provenance import PROVENANCE, BadReleaseError
from tests.support.chart.paths import CHART
from tests.support.signing import pair

Crane = Callable[[str], None]


@pytest.fixture
def crane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crane:
    """Has the tools of a release run a script."""

    def replace(script: str) -> None:
        program = tmp_path / "tool"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(registry, "tool", lambda _: program)

    return replace


@pytest.mark.parametrize(
    ("failure", "is_pinned"),
    [
        ("GET http://r/v2/medulla/triton/manifests/0: MANIFEST_UNKNOWN: manifest unknown", True),
        ("GET http://r/v2/medulla/triton/manifests/0: UNAUTHORIZED: authentication required", False),
        ("HEAD: 404 Not Found\nError: dial tcp 127.0.0.1:9: connect: connection refused", False),
    ],
)
def test_an_optional_image_is_left_out_only_where_the_registry_lacks_it(
    crane: Crane, tmp_path: Path, failure: str, is_pinned: bool
) -> None:
    optional = " | ".join(f"*{repository}:*" for repository in sorted(registry.OPTIONAL))
    listed = f"""case "$1$2" in export*) exit 0 ;; {optional}) printf '{failure}' >&2; exit 1 ;; esac; echo sha256:0"""
    crane(listed)
    chart = tmp_path / CHART.with_suffix(".tgz").name
    if is_pinned:
        pins, images = registry.pin("r", chart)
        assert "sha256:0" in pins.read_text()
        assert images["oci://r/medulla/tiler:0.1.0"] == "0"
        assert not [name for name in images if "triton" in name]
    else:
        with pytest.raises(BadReleaseError, match="is not to be had"):
            registry.pin("r", chart)


def test_an_image_that_cannot_be_read_ends_the_release_with_a_sentence(crane: Crane, tmp_path: Path) -> None:
    crane("""[ "$1" = digest ] && echo sha256:0 || { echo 'Error: connection reset by peer' >&2; exit 1; }""")
    with pytest.raises(BadReleaseError, match=r"@sha256:0 cannot be read: Error: connection reset by peer$"):
        registry.pin("r", tmp_path / "chart.tgz")


@pytest.mark.parametrize(
    ("host", "is_plain"),
    [
        ("localhost", True),
        ("localhost:5000/lab", True),
        ("127.0.0.1:5000", True),
        ("[::1]", True),
        ("[::1]:5000/lab", True),
        ("[2001:db8::1]:5000", False),
        ("registry.example:5000", False),
        ("localhost.example", False),
    ],
)
def test_only_a_registry_of_this_machine_is_spoken_to_in_plain_http(host: str, is_plain: bool) -> None:
    assert registry.plain(host) == (("--plain-http",) if is_plain else ())


def test_a_chart_is_pushed_once_the_release_is_signed(
    crane: Crane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wheel, packages and source are stand-ins, as they take minutes."""
    folder, key = tmp_path / "out", tmp_path / "key.pem"
    key.write_bytes(pair()[0])
    crane(f"""case "$1" in
      package) touch {folder}/medulla-0.tgz ;;
      digest) echo sha256:0 ;;
      push) ls {folder} >{tmp_path}/pushed; exit 1 ;;
    esac""")
    wheel = tmp_path / "medulla.whl"
    monkeypatch.setattr(release, "tool", vars(registry)["tool"])
    monkeypatch.setattr(release, "build_wheel", lambda _: wheel)
    monkeypatch.setattr(release, "_write_packages", lambda _: None)
    monkeypatch.setattr(release, "chart_sbom", lambda _: {})
    with pytest.raises(BadReleaseError, match="push failed"):
        release.build(folder, key, "localhost:5000")
    assert PROVENANCE in (tmp_path / "pushed").read_text().split()
