"""smtp/settings.py"""

from pathlib import Path

from mailserverd.smtp.settings import settings_of
from tests.smtp.doubles import House


def test_submissions_goes_by_the_section_of_submission(tmp_path: Path) -> None:
    house = House(tmp_path, submission={"max_message_bytes": 5, "proxy_protocol_networks": ["192.0.2.0/24"]})
    settings = settings_of(house.config, "submissions")
    assert (settings.listener, settings.door, settings.tls_from_start) == ("submissions", "submission", True)
    assert settings.max_message_bytes == 5
    assert not settings.proxy_networks
    assert "192.0.2.1" in settings_of(house.config, "submission").proxy_networks


def test_lmtp_trusts_loopback_only(tmp_path: Path) -> None:
    settings = settings_of(House(tmp_path).config, "lmtp")
    assert "127.0.0.1" in settings.trusted_networks
    assert "192.0.2.1" not in settings.trusted_networks
    assert "127.0.0.1" not in settings_of(House(tmp_path).config, "smtp").trusted_networks
