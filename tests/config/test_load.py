"""Every way in which a configuration file can be wrong, and what is said about it."""

from pathlib import Path

import pytest

from mailserverd.config.load import ConfigError, load, parse

MINIMAL = '[server]\nhostname = "mail.example.org"\ndata_directory = "data"\n'
FILE = Path("/etc/x/mailserverd.toml")


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    return caught.value.lines


def test_a_minimal_file_is_enough() -> None:
    config = parse(MINIMAL, FILE)
    assert config.server.hostname == "mail.example.org"
    assert config.smtp.addresses[0] == ("0.0.0.0", 25)
    assert config.lmtp.addresses[0] == ("127.0.0.1", 24)


def test_relative_paths_count_from_the_folder_of_the_file() -> None:
    config = parse(MINIMAL + '[tls]\nprivate_key = "/keys/k.pem"\n', FILE)
    assert config.server.data_directory == Path("/etc/x/data")
    assert config.tls.certificate == Path("/etc/x/tls/certificate.pem")
    assert config.tls.private_key == Path("/keys/k.pem")


def test_all_errors_are_told_at_once_each_on_one_line_with_file_and_key() -> None:
    found = errors(
        '[server]\nhostname = "a b"\n[smtp]\nenabled = "yes"\nmax_message_byte = 1\n'
        '[limits]\nexempt_networks = ["10.0.0.0/33"]\n[imap]\nidle_timeout_seconds = 60\n[nonsense]\n'
    )
    assert [line.split(": ")[1] for line in found] == [
        "server.hostname",
        "server.data_directory",
        "smtp.enabled",
        "smtp.max_message_byte",
        "imap.idle_timeout_seconds",
        "limits.exempt_networks",
        "nonsense",
    ]
    assert all(line.startswith("/etc/x/mailserverd.toml: ") and "\n" not in line for line in found)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[smtp]\nmax_bad_comands = 3\n", "smtp.max_bad_comands: unknown key; did you mean max_bad_commands?"),
        ("[smpt]\n", "smpt: unknown key; did you mean smtp?"),
        ("[smtp]\nqqq = 1\n", "smtp.qqq: unknown key; remove it"),
        ('[smtp]\nmax_recipients = "5"\n', "smtp.max_recipients: write a whole number without quotes"),
        ("[smtp]\nmax_recipients = true\n", "smtp.max_recipients: write a whole number without quotes"),
        ("[smtp]\nmax_recipients = 1.5\n", "smtp.max_recipients: write a whole number without quotes"),
        ("[smtp]\nenabled = 1\n", "smtp.enabled: write true or false without quotes"),
        ("[log]\nfile = 5\n", "log.file: write a text in quotes"),
        ('[log]\nlevel = "loud"\n', "log.level: must be 'debug', 'info', 'warn' or 'error'; change it"),
        (
            '[imap]\naddresses = "0.0.0.0:143"\n',
            'imap.addresses: write a list of addresses, such as ["0.0.0.0:25", "[::]:25"]',
        ),
        (
            '[imap]\naddresses = ["localhost:143"]\n',
            'imap.addresses: "localhost:143" is no address; write "IP:PORT", such as "0.0.0.0:25" or "[::]:25"',
        ),
        (
            '[imap]\naddresses = ["1.2.3.4:0", "1.2.3.4:66000"]\n',
            'imap.addresses: "1.2.3.4:0" is no address; write "IP:PORT", such as "0.0.0.0:25" or "[::]:25"',
        ),
        (
            '[imap]\naddresses = ["1.2.3.4:143", "1.2.3.4:143"]\n',
            "imap.addresses: the same address stands twice; remove one",
        ),
        (
            '[imap]\naddresses = ["0.0.0.0:25"]\n',
            "imap.addresses: 0.0.0.0:25 is also in smtp.addresses; change one",
        ),
        (
            "[delivery]\nretry_seconds = []\n",
            "delivery.retry_seconds: write a list of at least one number of seconds, such as [10, 60, 300]",
        ),
        ('[tls]\ncertificate = ""\n', 'tls.certificate: write a path as text, such as "tls/certificate.pem"'),
    ],
)
def test_what_is_wrong_and_what_to_do(text: str, line: str) -> None:
    assert errors(MINIMAL + text) == [f"{FILE}: {line}"]


def test_a_disabled_listener_keeps_its_address_free_for_another() -> None:
    config = parse(MINIMAL + '[smtp]\nenabled = false\n[imap]\naddresses = ["0.0.0.0:25"]\n', FILE)
    assert config.imap.addresses[0].port == 25


def test_a_syntax_error_has_its_line() -> None:
    assert errors(MINIMAL + "[smtp\n") == [
        f"{FILE}: line 4: Expected ']' at the end of a table declaration; mend the TOML there"
    ]


def test_a_key_that_stands_twice_is_a_syntax_error() -> None:
    assert errors(MINIMAL + '\n[tls]\nciphers = "A"\nciphers = "B"\n')[0].startswith(f"{FILE}: line 7: ")


def test_a_section_that_is_a_value() -> None:
    assert errors('smtp = 3\n[server]\nhostname = "a"\ndata_directory = "d"\n') == [
        f"{FILE}: smtp: write it as a section header in brackets"
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"# \xff\n")
    with pytest.raises(ConfigError, match="is not UTF-8 at byte 2"):
        load(tmp_path / "a.toml")


def test_a_configuration_cannot_be_changed() -> None:
    config = parse(MINIMAL, FILE)
    with pytest.raises(ValueError, match="frozen"):
        config.smtp.max_recipients = 5  # type: ignore[misc]


def test_what_is_right_in_a_wrong_file_is_kept_to_look_for_more() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(
            '[server]\nhostname = "a b"\ndata_directory = "d"\n[smtp]\nenabled = "yes"\n[imap]\nmax_connections = 3\n'
            'max_conections = 4\n[nonsense]\n[pop3]\naddresses = ["0.0.0.0:143"]\n',
            FILE,
        )
    rest = caught.value.rest
    assert rest is not None
    assert caught.value.faulty == {"server", "smtp"}
    assert rest.server.data_directory == Path("/etc/x/d")
    assert not rest.smtp.enabled
    assert rest.imap.max_connections == 3
    assert caught.value.lines[-1] == f"{FILE}: pop3.addresses: 0.0.0.0:143 is also in imap.addresses; change one"


def test_without_a_data_directory_there_is_no_rest() -> None:
    with pytest.raises(ConfigError) as caught:
        parse('[server]\nhostname = "mail.example.org"\n', FILE)
    assert caught.value.rest is None


def test_every_address_that_stands_twice_is_told() -> None:
    more = '[imap]\naddresses = ["0.0.0.0:25"]\n[pop3]\naddresses = ["0.0.0.0:587"]\n'
    with pytest.raises(ConfigError) as caught:
        parse(MINIMAL + more, FILE)
    assert len(caught.value.lines) == 2
    assert caught.value.rest is not None
    assert (caught.value.rest.imap.enabled, caught.value.rest.smtp.enabled) == (False, True)
