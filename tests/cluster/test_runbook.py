"""What the RUNBOOK tells the operator to paste does what it says, on the site itself."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import keys
from tests.support.chart.runbook import blocks
from tests.support.cluster import bundles
from tests.support.cluster.observer import Observer
from tests.support.cluster.operator import paste
from tests.support.cluster.site import Site, secret

_PROMOTE, _ERASE = blocks()[1:3]
_KEY = "operators-bundle-key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an operator who has trained and signed: `bundle/`, and its public key `bundle.pem`."""
    (tmp_path / "bundle.pem").write_text(bundles.signed(tmp_path / "bundle"))
    return tmp_path


def test_the_operators_command_speaks_to_the_site(site: Site, observer: Observer, tmp_path: Path) -> None:
    assert observer.dead_letters() == []
    listed = paste(site, "medulla dead-letters list", tmp_path)
    assert (listed.returncode, listed.stdout.strip()) == (0, "There are no dead letters."), listed.stderr
    swept = paste(site, "medulla sweep --json; kubectl -n $NS delete job $R-operator >&2", tmp_path)
    announced = json.loads(swept.stdout)
    assert announced.pop("failed") == [], swept.stderr
    assert announced.keys() == {keys.SLIDES, keys.CLINICAL, keys.VECTORS, keys.CASES}


def test_a_case_is_erased_by_the_operators_command(site: Site, observer: Observer, tmp_path: Path) -> None:
    [case] = observer.land("erase", [0])
    observer.wait_scored([case])
    erase = _ERASE.strip().replace("CASE", case)
    done = paste(site, f"{erase}; kubectl -n $NS delete job $R-operator >&2", tmp_path)
    assert "erased" in done.stdout, done.stderr
    observer.wait_erased(case)


def test_a_bundle_is_promoted_from_the_operators_folder(site: Site, folder: Path) -> None:
    done = paste(site, _PROMOTE, folder)
    assert "every case is scored again" in done.stdout, done.stderr


@pytest.fixture
def keyed(site: Site, folder: Path) -> Iterator[None]:
    """The release asks for the key that signed the operator's bundle, which is promoted."""
    assert paste(site, _PROMOTE, folder).returncode == 0
    site.namespace.apply(secret(_KEY, **{"bundle.pem": (folder / "bundle.pem").read_text()}))
    site.medulla.install({"bundle": {"existingSecret": _KEY}})
    yield
    site.medulla.install()
    site.namespace.attempt("delete", "secret", _KEY)


@pytest.mark.usefixtures("keyed")
def test_a_bundle_that_another_key_signed_is_not_promoted(site: Site, folder: Path) -> None:
    shutil.rmtree(folder / "bundle")
    bundles.signed(folder / "bundle")
    done = paste(site, _PROMOTE, folder)
    assert "every case is scored again" not in done.stdout
    assert "signature" in done.stdout + done.stderr
