"""What answers of a FHIR server amount to: a retry, a dead letter, or nothing to do."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr

import services.results.__main__ as results
from services.results.errors import FhirServerDownError, RefusedByFhirServerError
from services.results.fhir_server import FhirServer, FhirSettings
from services.results.settings import ResultsSettings
from shared.errors import MedullaError
from shared.settings import BadSettingsError, load

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": "HAPI-1:\n no subject"}]}


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that the Bundle's id names."""

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.headers["Authorization"]))  # type: ignore[attr-defined]
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(self.server.outcome)  # type: ignore[attr-defined]

    do_PUT = do_DELETE = do_GET  # noqa: N815 - the names of the standard library

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture(scope="module")
def http() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.seen, server.outcome = [], json.dumps(OUTCOME).encode()  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def fhir(http: ThreadingHTTPServer) -> FhirServer:
    return FhirServer(FhirSettings(url=f"http://127.0.0.1:{http.server_port}/fhir/", token=SecretStr("abc")))


@pytest.mark.parametrize("status", [400, 401, 403, 422, 301])
def test_a_refusal_is_final_and_repeats_what_the_server_says(fhir: FhirServer, status: int) -> None:
    with pytest.raises(RefusedByFhirServerError) as caught:
        fhir.put(str(status), b"{}")
    assert str(caught.value) == f"the FHIR server answers PUT with {status}: HAPI-1: no subject"


@pytest.mark.parametrize("status", [408, 409, 412, 429, 500, 502, 503])
def test_a_busy_or_broken_server_is_asked_again_and_its_words_stay_out_of_the_log(
    fhir: FhirServer, status: int
) -> None:
    with pytest.raises(FhirServerDownError) as caught:
        fhir.delete(str(status))
    assert str(caught.value) == f"the FHIR server answers DELETE with {status}"


def test_each_request_bears_the_token_that_is_mounted_now(http: ThreadingHTTPServer) -> None:
    url = f"http://127.0.0.1:{http.server_port}/fhir"
    mounted = [FhirSettings(url=url, token=SecretStr(token)) for token in ("old", "new")]
    server = FhirServer(mounted[0], lambda: mounted.pop(0))
    server.delete("404")
    server.delete("404")
    seen = http.seen[-2:]  # type: ignore[attr-defined]
    assert seen == [("DELETE", "Bearer old"), ("DELETE", "Bearer new")]


def test_a_token_that_was_set_at_the_start_and_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://fhir"
    monkeypatch.setenv("RESULTS_DATABASE_URL", "sqlite://")
    monkeypatch.setenv("RESULTS_FHIR__URL", url)
    with pytest.raises(MedullaError, match="token was set at the start and is empty now"):
        results._mounted_fhir(FhirSettings(url=url, token=SecretStr("abc")))
    assert results._mounted_fhir(FhirSettings(url=url)).token is None


def test_a_bundle_that_is_not_there_is_none_and_needs_no_deletion(fhir: FhirServer) -> None:
    assert (fhir.bundle("404"), fhir.bundle("410")) == (None, None)
    fhir.delete("404")
    with pytest.raises(RefusedByFhirServerError, match=r"URL is wrong, or .* under ids that its clients choose"):
        fhir.put("404", b"{}")


def test_the_token_goes_with_each_request(fhir: FhirServer, http: ThreadingHTTPServer) -> None:
    assert fhir.bundle("200") == OUTCOME
    assert http.seen[-1] == ("GET", "Bearer abc")  # type: ignore[attr-defined]


def test_a_server_that_does_not_answer_is_asked_again() -> None:
    with pytest.raises(FhirServerDownError, match="does not answer: URLError"):
        FhirServer(FhirSettings(url="http://127.0.0.1:9", timeout_s=1)).put("x", b"{}")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(MedullaError, match=r"CA file .*ca\.pem of the FHIR server .* RESULTS_FHIR__CA"):
        FhirServer(FhirSettings(url="https://fhir.example", ca=file))


def test_an_answer_that_nests_without_end_is_refused(http: ThreadingHTTPServer, fhir: FhirServer) -> None:
    http.outcome = b'{"issue":' + b"[" * 100_000  # type: ignore[attr-defined]
    try:
        with pytest.raises(RefusedByFhirServerError, match="something else than a resource"):
            fhir.bundle("200")
    finally:
        http.outcome = json.dumps(OUTCOME).encode()  # type: ignore[attr-defined]


def test_settings_take_the_token_from_a_secret_and_refuse_other_schemes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESULTS_DATABASE_URL", "sqlite:///x")
    assert load(ResultsSettings).fhir is None
    monkeypatch.setenv("RESULTS_FHIR__URL", "https://fhir.example/r4/")
    fhir = load(ResultsSettings).fhir
    assert fhir is not None
    assert (fhir.url, fhir.token) == ("https://fhir.example/r4", None)
    monkeypatch.setenv("RESULTS_FHIR__URL", "ftp://fhir.example")
    with pytest.raises(BadSettingsError, match="RESULTS_FHIR__URL"):
        load(ResultsSettings)
