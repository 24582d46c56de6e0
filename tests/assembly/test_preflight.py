"""Everything that would keep the server from starting is told at once, and nothing is left half-started."""

import os
import socket
from pathlib import Path

import pytest

from mailserverd.assembly import preflight
from mailserverd.assembly.data_lock import DataLock, in_use
from mailserverd.assembly.preflight import further_problems, prepare, problems_now
from mailserverd.assembly.self_signed import write_self_signed
from mailserverd.config.load import ConfigError, parse
from mailserverd.config.schema import Config
from mailserverd.config.values import ListenAddress

OFF = "".join(f"[{name}]\nenabled = false\n" for name in Config.LISTENERS if name not in ("imap", "metrics"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def config(folder: Path, imap: str, metrics: str, more: str = "") -> Config:
    text = (
        f'[server]\nhostname = "mail.example.org"\ndata_directory = "data"\n{OFF}'
        f'[imap]\naddresses = ["{imap}"]\n[metrics]\naddresses = ["{metrics}"]\n{more}'
    )
    return parse(text, folder / "m.toml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    write_self_signed(tmp_path / "tls/certificate.pem", tmp_path / "tls/private_key.pem", "mail.example.org")
    return tmp_path


def lines(folder: Path, wanted: Config) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        prepare(folder / "m.toml", wanted)
    return [line.removeprefix(f"{folder / 'm.toml'}: ") for line in caught.value.lines]


def test_all_is_well(folder: Path) -> None:
    wanted = config(folder, f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    prepared = prepare(folder / "m.toml", wanted)
    assert sorted(prepared.sockets) == ["imap", "metrics"]
    assert in_use(folder / "data")
    prepared.close()
    assert not in_use(folder / "data")
    assert problems_now(folder / "m.toml", wanted, running=False) == []


def test_everything_wrong_at_once(folder: Path) -> None:
    (folder / "tls/certificate.pem").unlink()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        found = lines(folder, config(folder, f"127.0.0.1:{port}", "192.0.2.1:9090"))
    assert found == [
        f"tls.certificate: {folder}/tls/certificate.pem cannot be read (No such file or directory); "
        "put the PEM file there",
        f"imap.addresses: 127.0.0.1:{port} is in use by another program; stop that one or choose another port",
        "metrics.addresses: 192.0.2.1:9090 is not an address of this machine; name one that is",
    ]
    assert not in_use(folder / "data")


def test_after_a_failure_nothing_is_bound(folder: Path) -> None:
    port = free_port()
    lines(folder, config(folder, f"127.0.0.1:{port}", "192.0.2.1:9090"))
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


def test_no_data_directory(folder: Path) -> None:
    (folder / "data").rmdir()
    assert lines(folder, config(folder, f"127.0.0.1:{free_port()}", "192.0.2.1:9090")) == [
        f"server.data_directory: {folder}/data is not a directory; create it, or run mailserverd init",
        "metrics.addresses: 192.0.2.1:9090 is not an address of this machine; name one that is",
    ]


def test_what_the_file_has_wrong_does_not_hide_the_rest(folder: Path) -> None:
    """A wrong key, a wrong type, a missing key file and a foreign address: all in one go, each once."""
    (folder / "tls/private_key.pem").unlink()
    with pytest.raises(ConfigError) as caught:
        config(folder, "not an address", "192.0.2.1:9090", "[store]\nzstd_levle = 1\n")
    error = caught.value
    told = [*error.lines, *further_problems(folder / "m.toml", error, running=False)]
    assert [line.split(": ")[1] for line in told] == [
        "imap.addresses",
        "store.zstd_levle",
        "tls.private_key",
        "metrics.addresses",
    ]
    assert not in_use(folder / "data")


def test_a_data_directory_that_is_in_use(folder: Path) -> None:
    lock = DataLock(folder / "data")
    found = lines(folder, config(folder, f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"))
    assert found == [f"server.data_directory: {folder}/data is in use by process {os.getpid()}; stop that one first"]
    lock.release()


def test_what_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write anywhere, so the answer of access() is given here."""
    wanted = config(folder, f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}", '[log]\nfile = "logs/m.log"\n')
    (folder / "data/logs").mkdir()
    refused = {folder / "data/logs"}
    monkeypatch.setattr(preflight.os, "access", lambda path, mode: path not in refused)
    assert lines(folder, wanted)[0].startswith(f"log.file: {folder}/data/logs/m.log cannot be written; ")
    (folder / "data/store").mkdir()
    refused |= {folder / "data", folder / "data/store"}
    assert [line.partition(" cannot be written; ")[0] for line in lines(folder, wanted)] == [
        f"server.data_directory: {folder}/data",
        f"server.data_directory: {folder}/data/store",
        f"log.file: {folder}/data/logs/m.log",
    ]


def test_while_our_own_server_runs_its_ports_are_not_counted_against_it(folder: Path) -> None:
    wanted = config(folder, f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    prepared = prepare(folder / "m.toml", wanted)
    assert problems_now(folder / "m.toml", wanted, running=True) == []
    assert len(problems_now(folder / "m.toml", wanted, running=False)) == 1
    (folder / "tls/private_key.pem").unlink()
    assert "tls.private_key" in problems_now(folder / "m.toml", wanted, running=True)[0]
    prepared.close()


def test_both_families_on_one_port(folder: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    port = free_port()
    wanted = config(folder, f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}", "")
    both = wanted.model_copy(
        update={
            "imap": wanted.imap.model_copy(
                update={"addresses": (ListenAddress("0.0.0.0", port), ListenAddress("::", port))}
            )
        }
    )
    try:
        prepare(folder / "m.toml", both).close()
    except ConfigError as error:
        pytest.skip(f"no IPv6 here: {error}")


def test_replies_go_out_at_once_on_every_accepted_connection(folder: Path) -> None:
    port = free_port()
    prepared = prepare(folder / "m.toml", config(folder, f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}"))
    listening = prepared.sockets["imap"][0]
    listening.listen()
    with socket.create_connection(("127.0.0.1", port)):
        listening.setblocking(True)
        accepted, _ = listening.accept()
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        accepted.close()
    prepared.close()
