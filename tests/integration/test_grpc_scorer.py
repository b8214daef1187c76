"""What-if of results from a real scorer over gRPC, with tokens."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from medulla.v1.scorer_pb2 import DescribeFormRequest, ScoreCaseRequest
from medulla.v1.scorer_pb2_grpc import add_ScorerServiceServicer_to_server

from services.fusion_scorer.servicer import ScorerServicer
from services.results.errors import RefusedQuestionError, UnknownCaseError
from services.results.grpc_scorer import GrpcScorer
from shared import keys
from shared.errors import TransientError
from shared.rpc.auth import EVERY_ROLE, ForbiddenError, TokenVerifier, UnauthenticatedError, require_role
from shared.rpc.client import channel
from shared.rpc.server import GrpcServer
from shared.settings import AuthSettings
from tests.support.fusion import clinical_json
from tests.support.oidc_issuer import OidcIssuer
from tests.support.results import running
from tests.support.scorer import CASE, Scorer

QUESTION = ScoreCaseRequest(case_id=CASE, clinical_json=clinical_json(stage="M1").decode(), event_free_years=2)


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as created:
        yield created


@pytest.fixture
def remote(tmp_path: Path, issuer: OidcIssuer) -> Iterator[GrpcScorer]:
    scorer = Scorer(tmp_path)
    scorer.promote()
    scorer.land(keys.clinical(CASE), clinical_json(stage="M0"))

    def register(server: grpc.Server) -> None:
        add_ScorerServiceServicer_to_server(ScorerServicer(scorer.what_if), server)

    check = require_role(TokenVerifier(AuthSettings(issuer=issuer.url)), EVERY_ROLE)
    server = GrpcServer("127.0.0.1:0", register, interceptors=[check], grace_s=1)
    with running(server), channel(f"127.0.0.1:{server.port}") as opened:
        yield GrpcScorer(opened)


def bearer(issuer: OidcIssuer, *roles: str) -> str:
    return f"Bearer {issuer.token(roles=list(roles))}"


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_the_scorer_answers_the_roles_of_results(remote: GrpcScorer, issuer: OidcIssuer, role: str) -> None:
    score = remote.score(QUESTION, bearer(issuer, role))
    assert {item.event_free_years for item in score.event_free_risks} == {2}
    form = remote.describe(DescribeFormRequest(case_id=CASE), bearer(issuer, role))
    assert form.clinical_record["stage"] == "M0"


def test_others_are_refused_by_the_scorer_too(remote: GrpcScorer, issuer: OidcIssuer) -> None:
    with pytest.raises(UnauthenticatedError):
        remote.score(QUESTION, "")
    with pytest.raises(ForbiddenError):
        remote.describe(DescribeFormRequest(case_id=CASE), bearer(issuer, "guest"))


def test_refusals_of_the_scorer_keep_sentence_reason_and_advice(remote: GrpcScorer, issuer: OidcIssuer) -> None:
    token = bearer(issuer, "viewer")
    with pytest.raises(UnknownCaseError, match="no embedded slide, clinical record or vector of case MB-9 is stored"):
        remote.score(ScoreCaseRequest(case_id="MB-9"), token)
    with pytest.raises(RefusedQuestionError, match="allowed is one of M0, M1") as caught:
        remote.score(ScoreCaseRequest(case_id=CASE, clinical_json='{"stage": "M9"}'), token)
    assert (caught.value.reason, bool(caught.value.advice)) == ("bad_clinical_record", True)
    with pytest.raises(RefusedQuestionError, match="below 5") as caught:
        remote.score(ScoreCaseRequest(case_id=CASE, event_free_years=7), token)
    assert caught.value.reason == "bad_request"


def test_a_scorer_that_is_down_is_to_be_asked_again() -> None:
    with channel("127.0.0.1:1") as nowhere, pytest.raises(TransientError, match="the scorer does not answer now"):
        GrpcScorer(nowhere).score(QUESTION, "")
