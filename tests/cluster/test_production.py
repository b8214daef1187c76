"""In production: requests without a token or role are refused, and an unsigned bundle scores nothing."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path

import grpc
import pytest
from medulla.v1 import scorer_pb2, scorer_pb2_grpc

from shared import model_keys
from shared.model.signature import SIGNATURE
from tests.support.cluster import bundles, issuer, strangers
from tests.support.cluster.forward import Forward
from tests.support.cluster.images import TAG
from tests.support.cluster.kubernetes import until
from tests.support.cluster.observer import Json, Observer
from tests.support.cluster.operator import paste
from tests.support.cluster.site import BUCKET, Site, secret
from tests.support.oidc_issuer import OidcIssuer, SigningKey

_KEY, _AUDIT = "production-bundle-key", "production-audit-key"
_DOOR = {"door": "open"}
_CHANGED = ("fusion-scorer", "results")
_PATIENCE_S = 20.0
Check = Callable[[list[str]], None]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, site: Site, observer: Observer) -> Iterator[Path]:
    """The demo bundle, promoted with a signature; the public key is in a secret. Refusals of others are dropped."""
    folder = tmp_path_factory.mktemp("signed") / "bundle"
    site.namespace.apply(secret(_KEY, **{"bundle.pem": bundles.signed(folder)}))
    digest = observer.promote(folder)
    yield folder
    observer.promote()
    observer.store(lambda s3: s3.delete_object(Bucket=BUCKET, Key=model_keys.bundle_prefix(digest) + SIGNATURE))
    site.namespace.attempt("delete", "secret", _KEY)
    dropped = paste(site, "medulla dead-letters drop --reason bad_bundle && kubectl -n $NS delete job $R-operator")
    assert dropped.returncode == 0, dropped.stderr


@pytest.fixture(scope="module", autouse=True)
def login(site: Site, observer: Observer, calm: dict[int, Json], signed: Path) -> Iterator[OidcIssuer]:  # noqa: ARG001
    """The issuer whose tokens are accepted; the release is in production, and the observer a viewer."""
    with issuer.running(site) as opened:
        policy = {"resultsFrom": [_pods(_DOOR)], "issuerTo": [_pods(issuer.LABEL)]}
        site.namespace.apply(secret(_AUDIT, key="a key for the audit record"))
        own = {"auth": {"issuer": opened.url}, "bundle": {"existingSecret": _KEY}, "networkPolicy": policy}
        own["results"] = {"audit": {"existingSecret": _AUDIT}}
        try:
            _switch(site, {"production": True, **own})
            observer.token = opened.token()
            yield opened
        finally:
            observer.token = ""
            _switch(site, {})
            site.namespace.attempt("delete", "secret", _AUDIT)


def _switch(site: Site, values: Json) -> None:
    """Upgrade, and wait until all earlier pods have ended."""
    before = {pod["metadata"]["name"] for component in _CHANGED for pod in site.medulla.pods(component)}
    site.medulla.install(values)
    until("the pods of before to go", lambda: " ".join(before & set(site.namespace.names("pods"))), 180)


def _pods(labels: dict[str, str]) -> Json:
    return {"podSelector": {"matchLabels": labels}}


def test_every_pod_is_ready_and_none_has_restarted(site: Site) -> None:
    site.medulla.wait_ready(seconds=5)
    pods = [pod for component in _CHANGED for pod in site.medulla.pods(component)]
    assert {each["restartCount"] for pod in pods for each in pod["status"]["containerStatuses"]} == {0}


def test_the_page_says_where_to_log_in_and_rest_answers_to_roles(observer: Observer, login: OidcIssuer) -> None:
    assert observer.get("/config", token="")["login"]["issuer"] == login.url
    cases, audit = partial(observer.status, "/cases"), partial(observer.status, "/audit/verify")
    assert cases("") == HTTPStatus.UNAUTHORIZED
    assert cases(login.token(SigningKey())) == HTTPStatus.UNAUTHORIZED
    assert cases(login.token(roles=["visitor"])) == HTTPStatus.FORBIDDEN
    assert cases(login.token(roles=["viewer"])) == HTTPStatus.OK
    assert audit(login.token(roles=["viewer"])) == HTTPStatus.FORBIDDEN
    assert audit(login.token(roles=["operator"])) == HTTPStatus.OK


def test_the_doctor_finds_issuer_and_signing_key_in_order(site: Site) -> None:
    done = paste(site, "medulla doctor --json")
    states = {each["step"]: each["state"] for each in json.loads(done.stdout)}
    assert (states["issuer"], states["signing key"]) == ("ok", "ok"), done.stdout


def test_the_scorer_answers_to_a_token_alone(site: Site, login: OidcIssuer) -> None:
    scorer = Forward(site.namespace, f"deployment/{site.medulla.object_name('fusion-scorer')}", 50053)
    assert scorer.call(lambda address: _what_if(address, "")) is grpc.StatusCode.UNAUTHENTICATED
    assert scorer.call(lambda address: _what_if(address, login.token())) is grpc.StatusCode.NOT_FOUND
    scorer.close()


def _what_if(address: str, token: str) -> object:
    """The scorer's answer about an unknown case."""
    request = scorer_pb2.ScoreCaseRequest(case_id="nobody-knows")
    sent = (("authorization", f"Bearer {token}"),) if token else ()
    with grpc.insecure_channel(address) as channel:
        ask = scorer_pb2_grpc.ScorerServiceStub(channel).ScoreCase
        return ask.future(request, metadata=sent, timeout=20, wait_for_ready=True).code()


def test_results_is_open_to_those_who_are_named_and_to_nobody_else(site: Site) -> None:
    host = site.medulla.object_name("results")
    scorer = site.namespace.object("pod", site.medulla.pod("fusion-scorer"))["status"]["podIP"]
    with strangers.running(site.namespace, f"medulla/results:{TAG}") as name:
        reach = partial(strangers.reach, site.namespace, name)
        assert [reach(host, port)[:7] for port in (8080, 50054)] == ["refused", "refused"]
        site.namespace.kubectl("label", "pod", name, *(f"{key}={value}" for key, value in _DOOR.items()))
        assert [reach(host, port, _PATIENCE_S) for port in (8080, 50054)] == ["reached", "reached"]
        assert reach(scorer, 50053).startswith("refused"), "nobody is named for the scorer"


def test_the_signed_bundle_scores_as_in_calm_and_helm_test_sees_it(
    site: Site, observer: Observer, as_in_calm: Check
) -> None:
    cases = observer.land("production", range(3))
    observer.wait_scored(cases)
    as_in_calm(cases)
    assert "scored after" in site.medulla.helm("test", site.medulla.name, "--logs")


def test_an_unsigned_bundle_scores_nothing_and_the_last_good_one_goes_on(
    observer: Observer, signed: Path, as_in_calm: Check, tmp_path: Path
) -> None:
    unsigned = observer.promote(bundles.second(tmp_path / "unsigned"))
    cases = observer.land("unsigned", [1])
    observer.wait_scored(cases)
    as_in_calm(cases)
    assert unsigned not in json.dumps(observer.scores(cases[0]))
    observer.promote(signed)
