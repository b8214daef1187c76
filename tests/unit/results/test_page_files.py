"""Files of the page that come from elsewhere: exactly what was published, with the licence beside it."""

import hashlib
from pathlib import Path

from services.results import rest

_VENDOR = Path(rest.__file__).parent / "page" / "vendor"
_PUBLISHED = {"openseadragon-6.1.1.min.js": "14d587cd3ee7c4861f1a41077ce642029364a21029956ba635bd8fb1202cf9ad"}


def test_vendored_programs_are_those_that_were_published() -> None:
    programs = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in _VENDOR.glob("*.js")}
    assert programs == _PUBLISHED


def test_each_has_its_licence_and_is_loaded_by_that_name() -> None:
    page = "".join(path.read_text() for path in _VENDOR.parent.glob("*.js"))
    for program in _PUBLISHED:
        assert "Redistribution" in (_VENDOR / f"{program.partition('-')[0]}.LICENSE.txt").read_text()
        assert f"vendor/{program}" in page
