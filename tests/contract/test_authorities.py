"""Clients trust the authorities in their file when they connect, not those of the process's start."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import SSLError
from sqlalchemy import make_url, text

from services.results.database import connect, transaction
from services.results.errors import DatabaseDownError
from services.results.fhir_server import FhirServer, FhirSettings
from shared import aws
from shared.rpc.issuer_keys import IssuerKeys
from shared.settings import AuthSettings
from tests.stack.process import free_ports
from tests.stack.secured_minio import SecuredMinio
from tests.support.certificates import self_signed
from tests.support.https_server import serving_https
from tests.support.logs import logging_as
from tests.support.oidc_issuer import SigningKey
from tests.support.parts import MinioPart, PostgresPart
from tests.support.polling import eventually


@pytest.fixture
def secured(minio: MinioPart, tmp_path: Path) -> Iterator[SecuredMinio]:  # noqa: ARG001 - so that a missing MinIO skips
    (port,) = free_ports(1)
    server = SecuredMinio(tmp_path / "minio", port, "127.0.0.1:1", ())
    server.renew_certificate()
    server.start()
    yield server
    server.stop()


def test_a_running_client_of_the_bucket_trusts_the_new_authority_and_the_old_one_no_more(
    secured: SecuredMinio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted, certs = tmp_path / "ca.crt", secured.folder / "certs"
    old = (certs / "tls.crt").read_bytes(), (certs / "tls.key").read_bytes()
    mounted.write_bytes(old[0])
    monkeypatch.setenv("AWS_CA_BUNDLE", str(mounted))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", secured.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secured.secret_key)
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    client: Any = aws.client("s3", "us-east-1", secured.endpoint, config, renew_s=0)
    client.create_bucket(Bucket="slides")
    secured.stop()
    mounted.write_bytes(secured.renew_certificate().certificate.read_bytes())
    secured.start()
    assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == ["slides"]
    secured.stop()
    for name, pem in zip(("public.crt", "private.key"), old, strict=True):
        (certs / name).write_bytes(pem)
    secured.start()
    with pytest.raises(SSLError):
        client.list_buckets()


def test_a_new_connection_to_the_database_trusts_the_authority_that_is_mounted_now(
    postgres: PostgresPart, tmp_path: Path
) -> None:
    url = make_url(postgres.database())
    mounted, first = tmp_path / "ca.crt", tmp_path / "first.crt"
    mounted.write_bytes(_show_certificate(postgres, tmp_path))
    shutil.copy(mounted, first)
    renewing, fixed = (
        connect(
            str(url.update_query_dict({"sslmode": "verify-full", "sslrootcert": str(file)}).render_as_string(False))
        )
        for file in (mounted, first)
    )
    eventually(lambda: _connects(renewing) and _connects(fixed))
    mounted.write_bytes(_show_certificate(postgres, tmp_path))
    eventually(lambda: _connects(renewing) and not _connects(fixed))


def _show_certificate(postgres: PostgresPart, folder: Path) -> bytes:
    """Have the server show a new certificate, and return it."""
    pair, data = self_signed(folder), postgres.folder / "data"
    owner = data.stat()
    for file in pair:
        (data / file.name).write_bytes(file.read_bytes())
        (data / file.name).chmod(0o600)
        shutil.chown(data / file.name, owner.st_uid, owner.st_gid)
    engine = connect(postgres.url("postgres")).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name, setting in (("ssl_cert_file", "tls.crt"), ("ssl_key_file", "tls.key"), ("ssl", "on")):
            connection.execute(text(f"alter system set {name} = '{setting}'"))
        connection.execute(text("select pg_reload_conf()"))
    engine.dispose()
    return pair.certificate.read_bytes()


def _connects(engine: Any) -> bool:
    """Whether a new connection is let in, by a certificate that it trusts."""
    engine.dispose()
    try:
        with transaction(engine, write=False) as connection:
            return connection.execute(text("select 1")).scalar() == 1
    except DatabaseDownError:
        return False


def test_requests_to_the_fhir_server_trust_the_authority_that_is_mounted_now(tmp_path: Path) -> None:
    with serving_https(tmp_path, b"{}") as server:
        fhir = FhirServer(FhirSettings(url=server.url, ca=server.ca))
        assert fhir.bundle("1") == {}
        server.renew_certificate()
        assert fhir.bundle("1") == {}


def test_keys_of_the_issuer_are_fetched_by_the_authority_that_is_mounted_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, now = SigningKey(), [0.0]
    with serving_https(tmp_path, json.dumps({"keys": [key.public_jwk()]}).encode()) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca))
        keys = IssuerKeys(AuthSettings(issuer=server.url, jwks_url=f"{server.url}/jwks"), lambda: now[0])
        assert keys.find(key.kid)
        server.renew_certificate()
        now[0] = 100_000
        with logging_as("results", "WARNING") as logged:
            assert keys.find(key.kid)
        assert not logged.lines()
