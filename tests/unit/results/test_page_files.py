"""Files of the page: those from elsewhere are exactly what was published, with the licence; one has all addresses."""

import hashlib
from pathlib import Path

import pytest

from services.results import rest

_PAGE = Path(rest.__file__).parent / "page"
_VENDOR = _PAGE / "vendor"
_PUBLISHED = {
    "openseadragon-6.1.1.min.js": "14d587cd3ee7c4861f1a41077ce642029364a21029956ba635bd8fb1202cf9ad",
    "swagger-ui-5.35.0.bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui-5.35.0.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}
_LICENCES = {"openseadragon": "Redistribution and use", "swagger-ui": "Apache License"}


def test_vendored_programs_are_those_that_were_published() -> None:
    files = [path for path in _VENDOR.iterdir() if path.suffix in {".js", ".css"}]
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files} == _PUBLISHED


@pytest.mark.parametrize("name", _PUBLISHED)
def test_each_is_loaded_by_its_name(name: str) -> None:
    own = (*_PAGE.glob("*.js"), *_PAGE.rglob("*.html"))
    assert any(f"vendor/{name}" in path.read_text() for path in own)


def test_every_address_of_the_service_stands_in_one_file_of_the_page() -> None:
    assert [path.name for path in _PAGE.glob("*.js") if "api/v1" in path.read_text()] == ["api.js"]


def test_each_has_its_licence() -> None:
    assert {path.name.partition(".")[0] for path in _VENDOR.glob("*.LICENSE.txt")} == set(_LICENCES)
    for program, words in _LICENCES.items():
        assert words in (_VENDOR / f"{program}.LICENSE.txt").read_text()
