"""Consumer groups of the service."""

from pydantic import SecretStr

from services.results.__main__ import _served
from services.results.fhir_server import FhirSettings
from services.results.settings import ResultsSettings
from shared.bus import topics
from shared.route import subscriptions
from tests.support.results import Results


def test_a_fhir_server_is_served_by_a_consumer_group_of_its_own(results: Results) -> None:
    settings = ResultsSettings(database_url=SecretStr("sqlite://"))
    assert list(_served(settings, results.blobs, results.store)) == ["results"]
    with_server = settings.model_copy(update={"fhir": FhirSettings(url="https://fhir.example")})
    served = _served(with_server, results.blobs, results.store)
    assert subscriptions("results_fhir", served["results_fhir"]) == (
        *topics.SCORED,
        topics.CASES_ERASE,
        "results_fhir.retry",
    )
