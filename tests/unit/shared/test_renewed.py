"""Keys in mounted secrets that change while a process runs are used from then on."""

import itertools
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared import renewed
from shared.blob.s3 import client
from shared.renewed import Renewed
from shared.settings import SECRETS_DIR, BadSettingsError, KafkaLogin, PlatformSettings, S3Settings, load


def test_a_value_is_read_again_when_it_is_due_and_not_before() -> None:
    now, values = iter([0.0, 29.0, 31.0, 31.0, 60.0]), itertools.count(1)
    value = Renewed(0, lambda: next(values), every_s=30, clock=lambda: next(now))
    assert [value(), value(), value()] == [0, 1, 1]


def test_the_last_good_value_is_kept_while_a_secret_cannot_be_read() -> None:
    def read() -> str:
        raise BadSettingsError("the directory of secrets is not there")

    assert Renewed("good", read, every_s=0)() == "good"


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets with the keys of the bucket."""
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path))
    _write(tmp_path, "old")
    return tmp_path


def _write(folder: Path, key: str) -> None:
    (folder / "MEDULLA_S3__ACCESS_KEY_ID").write_text(f"{key}-id")
    (folder / "MEDULLA_S3__SECRET_ACCESS_KEY").write_text(f"{key}-secret")


def test_requests_are_signed_with_the_keys_that_are_mounted_now(mounted: Path) -> None:
    settings = S3Settings(access_key_id="old-id", secret_access_key=SecretStr("old-secret"))
    signing = client(settings, renewed.s3(settings, every_s=0))
    first = signing.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    _write(mounted, "new")
    second = signing.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    assert "X-Amz-Credential=old-id%2F" in first
    assert "X-Amz-Credential=new-id%2F" in second
    assert first.rpartition("Signature=")[2] != second.rpartition("Signature=")[2]


def test_keys_of_the_pods_identity_stay_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "pod-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "pod-secret")
    url = client(S3Settings()).generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    assert "X-Amz-Credential=pod-id%2F" in url


@pytest.mark.parametrize("gone", ["removed", "emptied"])
def test_a_secret_that_was_set_at_the_start_and_is_gone_is_the_last_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path))
    secrets = {
        "MEDULLA_KAFKA__SASL_USERNAME": "medulla",
        "MEDULLA_KAFKA__SASL_PASSWORD": "hush",
        "MEDULLA_S3__ACCESS_KEY_ID": "id",
        "MEDULLA_S3__SECRET_ACCESS_KEY": "secret",
    }
    for name, value in secrets.items():
        (tmp_path / name).write_text(value)
    settings = renewed.platform(load(PlatformSettings))
    keys = renewed.s3(settings.s3, every_s=0)
    before = settings.kafka.login(), keys()
    for name in secrets:
        (tmp_path / name).unlink() if gone == "removed" else (tmp_path / name).write_text("")
    assert (settings.kafka.login(), keys()) == before
    assert before[0] == KafkaLogin("medulla", SecretStr("hush"))
