"""Tissue mask, quality, prototypes and composition of a scored slide over REST."""

from collections.abc import Iterator
from http import HTTPStatus

import numpy as np
import numpy.typing as npt
import pytest
from fastapi.testclient import TestClient
from medulla.v1.scorer_pb2 import SlideEvidence
from safetensors.numpy import save

from services.results import evidence
from services.results.rest import create_app
from shared import keys
from shared.slides.verdict import Verdict
from tests.support import scores as samples
from tests.support.results import Results

SLIDE = "/api/v1/cases/MB-1/slides/A1"
MASK = b"\x89PNG\r\n\x1a\n made up"


@pytest.fixture
def client(results: Results) -> Iterator[TestClient]:
    app = create_app(results.backends())
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def slide(results: Results) -> SlideEvidence:
    """A scored slide whose plan stands: 11 x 8 places, of which the last row is background."""
    slide = results.score(samples.score("MB-1", slides=("A1",))).slides[0]
    ledger = np.full((11, 8), Verdict.OK, np.uint8)
    ledger[10] = Verdict.BACKGROUND
    results.blobs.put_new(plan_key(slide, keys.PLAN_MASK), MASK)
    results.blobs.put_new(plan_key(slide, keys.PLAN_TILES), save({"ledger": ledger}))
    return slide


def plan_key(slide: SlideEvidence, name: str) -> str:
    return slide.thumbnail_key.removesuffix(keys.THUMBNAIL) + name


@pytest.mark.usefixtures("slide")
def test_the_mask_is_the_file_of_the_plan(client: TestClient) -> None:
    answer = client.get(f"{SLIDE}/tissue")
    assert (answer.status_code, answer.content) == (HTTPStatus.OK, MASK)
    assert answer.headers["content-type"] == "image/png"


@pytest.mark.usefixtures("slide")
def test_the_places_of_the_grid_are_rows_of_digits(client: TestClient) -> None:
    answer = client.get(f"{SLIDE}/tiles").json()
    assert answer["rows"] == ["0" * 8] * 10 + ["1" * 8]
    assert answer["square_width_px"] == 256.5


def test_every_tile_has_its_prototype(client: TestClient, results: Results) -> None:
    results.score(samples.add_prototypes(samples.score("MB-1", slides=("A1",))))
    answer = client.get(f"{SLIDE}/prototypes").json()
    assert {(y // 256 % 3, number) for y, number in zip(answer["y"], answer["prototype"], strict=True)} == {
        (0, 0),
        (1, 1),
        (2, 2),
    }
    assert (len(answer["x"]), answer["square_width_px"], answer["merged"]) == (88, 256.5, 1)


def test_every_tile_has_its_likeliest_class(client: TestClient, results: Results) -> None:
    results.score(samples.add_composition(samples.score("MB-1", slides=("A1",))))
    answer = client.get(f"{SLIDE}/composition").json()
    assert {(x // 256 % 3, number) for x, number in zip(answer["x"], answer["class"], strict=True)} == {
        (0, 0),
        (1, 1),
        (2, 2),
    }
    assert client.get(f"{SLIDE}/prototypes").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.usefixtures("slide")
def test_a_score_without_prototypes_says_so(client: TestClient) -> None:
    answer = client.get(f"{SLIDE}/prototypes")
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert "has no prototypes of slide A1" in answer.json()["detail"]


@pytest.mark.parametrize(("layer", "tensor"), [("prototypes", "prototype"), ("composition", "composition")])
@pytest.mark.parametrize("members", [None, np.zeros(2, np.uint8), np.zeros(1, np.int32), np.full(1, 3, np.uint8)])
def test_numbers_of_tiles_that_do_not_fit_the_score_are_a_bad_gateway(
    client: TestClient, results: Results, layer: str, tensor: str, members: npt.NDArray[np.generic] | None
) -> None:
    score = samples.add_composition(samples.add_prototypes(samples.score("MB-1", slides=("A1",))))
    slide = results.score(score).slides[0]
    tensors = {"attention": np.ones(1, np.float32), "coords": np.zeros((1, 2), np.int32)}
    others = {} if members is None else {tensor: members}
    results.blobs.put(slide.attention_key, save({**tensors, **others}))
    assert client.get(f"{SLIDE}/{layer}").status_code == HTTPStatus.BAD_GATEWAY


@pytest.mark.parametrize("layer", ["tissue", "tiles", "prototypes", "composition"])
@pytest.mark.parametrize("path", ["MB-1/slides/A1", "MB-1/slides/none", "MB-2/slides/A1"])
def test_what_is_not_there_is_not_found(client: TestClient, results: Results, path: str, layer: str) -> None:
    results.score(samples.score("MB-1"))
    answer = client.get(f"/api/v1/cases/{path}/{layer}")
    assert (answer.status_code, answer.json()["reason"]) == (HTTPStatus.NOT_FOUND, "not_found")


@pytest.mark.parametrize("data", [b"no tensors", save({"other": np.zeros(3)}), save({"ledger": np.zeros(3, np.uint8)})])
def test_a_damaged_plan_is_a_bad_gateway(
    client: TestClient, results: Results, slide: SlideEvidence, data: bytes
) -> None:
    results.blobs.put(plan_key(slide, keys.PLAN_TILES), data)
    assert client.get(f"{SLIDE}/tiles").status_code == HTTPStatus.BAD_GATEWAY


def test_attention_outside_of_the_plan_is_a_bad_gateway(
    client: TestClient, results: Results, slide: SlideEvidence
) -> None:
    results.blobs.put(plan_key(slide, keys.PLAN_TILES), save({"ledger": np.zeros((2, 2), np.uint8)}))
    answer = client.get(f"{SLIDE}/tiles")
    assert (answer.status_code, answer.json()["reason"]) == (HTTPStatus.BAD_GATEWAY, "digest_mismatch")


@pytest.mark.usefixtures("slide")
def test_an_object_that_is_too_large_to_draw_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "_LARGEST_BYTES", 4)
    assert "4 at most" in client.get(f"{SLIDE}/tissue").json()["detail"]
