"""Fixtures of the tests of results."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.oidc_issuer import OidcIssuer
from tests.support.results import Results


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Results]:
    """An empty store."""
    created = Results(tmp_path)
    yield created
    created.close()


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    """An OpenID issuer whose tokens hold the role viewer."""
    with OidcIssuer() as running:
        yield running
