"""A release is built with its lists and a signed statement, and a changed byte of it is found."""

import json
from pathlib import Path

import pytest

from tests.release.__main__ import main
from tests.support.signing import pair


def test_a_release_is_built_signed_and_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, private, public = tmp_path / "release", tmp_path / "private.pem", tmp_path / "public.pem"
    for path, data in zip((private, public), pair(), strict=True):
        path.write_bytes(data)
    assert main(["build", "--key", str(private), "--out", str(out)]) == 0
    assert main(["verify", "--key", str(public), "--out", str(out)]) == 0
    (wheel,), (chart,) = out.glob("*.whl"), out.glob("*.tgz")
    lists = [json.loads((out / f"{file.name}.cdx.json").read_bytes()) for file in (wheel, chart)]
    assert [each["bomFormat"] for each in lists] == ["CycloneDX", "CycloneDX"]
    assert "numpy" in {component["name"] for component in lists[0]["components"]}
    assert any("triton" in component["name"] for component in lists[1]["components"])
    wheel.write_bytes(wheel.read_bytes()[:-1])
    assert main(["verify", "--key", str(public), "--out", str(out)]) == 1
    assert wheel.name in capsys.readouterr().err
