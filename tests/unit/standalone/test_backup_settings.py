"""Where backups are stored: the command names bucket and folder, the settings how to reach them."""

import pytest

from services.standalone.backup.settings import BackupSettings
from shared.settings import BadSettingsError, load


def test_a_prefix_of_backups_is_refused_with_what_to_name_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUP_S3__PREFIX", "north")
    with pytest.raises(BadSettingsError, match="BACKUP_S3__PREFIX is wrong: backups have no prefix; name a folder"):
        load(BackupSettings)


def test_the_object_store_of_backups_needs_no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUP_S3__ENDPOINT_URL", "https://s3.elsewhere.example")
    settings = load(BackupSettings).s3
    assert settings is not None
    assert (settings.endpoint_url, settings.prefix) == ("https://s3.elsewhere.example", "")
