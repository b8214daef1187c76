"""Images for a cluster: those of this checkout are built before what takes long to compile."""

from pathlib import Path

import pytest

from tests.stack.home import MissingPartError
from tests.support.cluster import images
from tests.support.cluster.release import SERVICES


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of images in the order in which their builds begin; nothing is built."""
    names: list[str] = []

    def build(image: str, *_: object, **__: object) -> str:
        names.append(image)
        return image

    monkeypatch.setattr(images, "build_image", build)
    monkeypatch.setattr(images, "_build_dev", lambda: build(images.DEV))
    monkeypatch.setattr(images, "ADDONS", ())
    monkeypatch.setattr(images, "load", lambda _: None)
    return names


def test_our_own_images_are_built_before_any_other(built: list[str]) -> None:
    images.build()
    own = {f"medulla/{name}:{images.TAG}" for name in images.IMAGES}
    assert set(built[: len(own)]) == own
    assert {f"medulla/{service}:{images.NEXT}" for service in SERVICES} | {images.DEV} <= set(built[len(own) :])


def test_nothing_is_built_on_images_of_which_one_failed(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(image: str, folder: Path, *_: object, **__: object) -> str:
        built.append(image)
        raise MissingPartError(f"{folder} does not build")

    monkeypatch.setattr(images, "build_image", refuse)
    with pytest.raises(MissingPartError, match="does not build"):
        images.build()
    assert all(image.removeprefix("medulla/").removesuffix(f":{images.TAG}") in images.IMAGES for image in built)
