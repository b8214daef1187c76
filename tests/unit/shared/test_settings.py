"""Settings come from the environment and secret files, and say plainly what is wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.home import Home
from shared.settings import BadSettingsError, PlatformSettings, S3Settings, load


def test_nested_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_KAFKA__BOOTSTRAP_SERVERS", "kafka:9092")
    monkeypatch.setenv("MEDULLA_S3__ENDPOINT_URL", "http://s3:9000/")
    settings = load(PlatformSettings)
    assert settings.kafka.bootstrap_servers == "kafka:9092"
    assert settings.s3.endpoint_url == "http://s3:9000"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_KAFKA__SSL_CAFILE", "")
    assert load(PlatformSettings).kafka.ssl_cafile is None


def test_every_wrong_value_gets_its_own_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_HTTP_PORT", "99999")
    monkeypatch.setenv("MEDULLA_KAFKA__SESSION_TIMEOUT_MS", "many")
    monkeypatch.setenv("MEDULLA_S3__ENDPOINT_URL", "s3.example")
    monkeypatch.setenv("MEDULLA_KAFKA__BOOTSTRAP_SERVER", "kafka:9092")
    with pytest.raises(BadSettingsError) as caught:
        load(PlatformSettings)
    sentences = str(caught.value)
    assert "MEDULLA_HTTP_PORT is wrong: input should be less than or equal to 65535." in sentences
    assert "MEDULLA_KAFKA__SESSION_TIMEOUT_MS is wrong: input should be a valid integer" in sentences
    assert "MEDULLA_S3__ENDPOINT_URL is wrong: must start with http:// or https://." in sentences
    assert "MEDULLA_KAFKA__BOOTSTRAP_SERVER is not a setting; check its spelling." in sentences
    assert "\n" not in sentences


def test_a_secret_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_S3", '{"secret_access_key": "hunter2", "max_attempts": "hunter2"}')
    with pytest.raises(BadSettingsError) as caught:
        load(PlatformSettings)
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("MEDULLA_S3", '{"secret_access_key": "hunter2"}')
    assert "hunter2" not in repr(load(PlatformSettings))


def test_broken_json_is_one_sentence_without_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_S3", '{"secret_access_key": hunter2')
    with pytest.raises(BadSettingsError, match="two underscores") as caught:
        load(PlatformSettings)
    assert "hunter2" not in str(caught.value)


def test_secrets_are_read_from_files_as_kubernetes_mounts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = tmp_path / "..2026_01_01"
    version.mkdir()
    (version / "MEDULLA_KAFKA__SASL_PASSWORD").write_text("from a file\n")
    (tmp_path / "..data").symlink_to(version)
    (tmp_path / "MEDULLA_KAFKA__SASL_PASSWORD").symlink_to("..data/MEDULLA_KAFKA__SASL_PASSWORD")
    monkeypatch.setenv("MEDULLA_SECRETS_DIR", str(tmp_path))
    secret = load(PlatformSettings).kafka.sasl_password
    assert secret is not None
    assert secret.get_secret_value() == "from a file"


def test_the_environment_wins_over_a_secret_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "medulla_s3__bucket").write_text("from-file")
    (tmp_path / "medulla_s3__region").write_text("eu-west-1")
    monkeypatch.setenv("MEDULLA_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("MEDULLA_S3__BUCKET", "from-env")
    settings = load(PlatformSettings)
    assert (settings.s3.bucket, settings.s3.region) == ("from-env", "eu-west-1")


def test_a_missing_directory_of_secrets_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_SECRETS_DIR", str(tmp_path / "absent"))
    with pytest.raises(BadSettingsError, match="does not exist"):
        load(PlatformSettings)


def test_a_prefix_is_of_the_own_bucket_alone() -> None:
    own = S3Settings(bucket="b", prefix="north")
    assert (own.home, own.home.whole("slides/C/a.svs")) == (Home("b", "north/"), "north/slides/C/a.svs")
    assert (own.of("b").home, own.of("other").home) == (own.home, Home("other"))
    assert (S3Settings(bucket="b").home, Home("b").whole("slides/x")) == (Home("b"), "slides/x")


@pytest.mark.parametrize("prefix", ["north/", "/north", "North", "a.b", "-a", "x" * 21])
def test_a_prefix_that_is_no_name_is_refused(prefix: str) -> None:
    with pytest.raises(ValidationError):
        S3Settings(prefix=prefix)


def test_names_of_roles_are_lists_and_admit_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(PlatformSettings).auth.roles.given_by(["viewer", "operator"]) == {"viewer", "operator"}
    monkeypatch.setenv("MEDULLA_AUTH__ROLES__VIEWER", '["north-pathologists", "/north/night shift"]')
    monkeypatch.setenv("MEDULLA_AUTH__ROLES__OPERATOR", "[]")
    assert load(PlatformSettings).auth.roles.given_by(["/north/night shift", "operator"]) == {"viewer"}
    monkeypatch.setenv("MEDULLA_AUTH__ROLES__VIEWER", "[]")
    with pytest.raises(BadSettingsError, match="nobody could log in"):
        load(PlatformSettings)


def test_settings_cannot_be_changed() -> None:
    settings = PlatformSettings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.http_port = 1
    with pytest.raises(ValidationError, match="frozen"):
        settings.kafka.session_timeout_ms = 1
