"""smtp/admission.py: who is turned away, and who is counted."""

from mailserverd.smtp.admission import refusal
from mailserverd.smtp.settings import settings_of
from tests.smtp.doubles import House


def test_an_lmtp_client_is_one_that_is_listed(house: House) -> None:
    services, settings = house.services(), settings_of(house.config, "lmtp")
    assert refusal(services, settings, "192.0.2.7").startswith(b"554 5.7.1")
    assert refusal(services, settings, "127.0.0.1") == b""


def test_who_is_turned_away_is_not_counted_and_who_is_let_in_is(house: House) -> None:
    services, settings = house.services(), settings_of(house.config, "smtp")
    while not (refused := refusal(services, settings, "192.0.2.7")):
        pass
    assert refused == b"421 4.7.0 mx.example.org too many connections from your address\r\n"
    services.connections.leave("smtp", "192.0.2.7")
    assert refusal(services, settings, "192.0.2.7") == b""
