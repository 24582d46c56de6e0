"""imaplib, IMAPClient and aioimaplib: what Python programs do with a mailbox, in two sessions at once."""

import asyncio
import imaplib
import smtplib
from collections.abc import Awaitable, Iterator
from datetime import UTC, datetime
from typing import Any

import aioimaplib
import pytest
from imapclient import IMAPClient

from tests.scenarios.clients.house import ALICE, BOB, PASSWORD, append, crlf, imap, message, trusting
from tests.scenarios.server import MailServer

PUSH_SECONDS = 10.0


@pytest.fixture
def client(server: MailServer) -> Iterator[IMAPClient]:
    made = IMAPClient("localhost", server.port("imaps"), ssl_context=trusting(server), timeout=30)
    made.login(ALICE, PASSWORD)
    yield made
    made.logout()


def deliver(server: MailServer, octets: bytes, to: str = ALICE) -> None:
    with smtplib.LMTP("127.0.0.1", server.port("lmtp")) as sender:
        sender.sendmail("x@elsewhere.test", [to], crlf(octets))


def test_imaplib_through_the_life_of_a_message(server: MailServer) -> None:
    sent = crlf(message("life"))
    with imap(server, BOB) as client:
        assert client.create('"Work/2024 plans"')[0] == "OK"
        assert client.append('"Work/2024 plans"', "(\\Flagged $Todo)", '"17-Jul-1996 02:44:25 -0700"', sent)[0] == "OK"
        assert client.select('"Work/2024 plans"') == ("OK", [b"1"])
        assert client.search(None, "KEYWORD", "$Todo", "SUBJECT", '"life"') == ("OK", [b"1"])
        _, found = client.fetch("1", "(INTERNALDATE FLAGS BODY.PEEK[])")
        assert found[0][1] == sent
        assert b'INTERNALDATE "17-Jul-1996 02:44:25 -0700"' in found[0][0]
        assert client.copy("1", "Archive")[0] == "OK"
        assert client.uid("MOVE", "1", "Trash")[0] == "OK"
        assert client.search(None, "ALL") == ("OK", [b""])
        assert client.close()[0] == "OK"
        assert client.rename('"Work/2024 plans"', "Old")[0] == "OK"
        assert client.delete("Old")[0] == "OK"
        assert client.select("Trash") == ("OK", [b"1"])
        assert client.store("1", "+FLAGS", "\\Deleted")[0] == "OK"
        assert client.expunge() == ("OK", [b"1"])
        assert client.status("Archive", "(MESSAGES UIDNEXT UNSEEN)")[1] == [b"Archive (MESSAGES 1 UIDNEXT 2 UNSEEN 1)"]
        assert client.getquotaroot("INBOX")[0] == client.namespace()[0] == client.noop()[0] == "OK"
        assert client.select("Old")[0] == "NO"
        with pytest.raises(imaplib.IMAP4.error):
            client.fetch("1", "(FLAGS)")


def test_imapclient_knows_the_mailboxes(client: IMAPClient) -> None:
    assert client.find_special_folder(b"\\Sent") == "Sent"
    assert client.find_special_folder(b"\\Trash") == "Trash"
    assert client.namespace().personal == (("", "/"),)
    client.create_folder("Ärger & Co/取引先")
    assert "Ärger & Co/取引先" in [name for _, _, name in client.list_folders()]
    client.subscribe_folder("Ärger & Co/取引先")
    assert "Ärger & Co/取引先" in [name for _, _, name in client.list_sub_folders()]
    client.rename_folder("Ärger & Co/取引先", "取引先")
    client.delete_folder("取引先")
    client.delete_folder("Ärger & Co")
    assert client.id_({"name": "IMAPClient"}) == ((b"name", b"mailserverd"),)


def test_imapclient_and_a_message(client: IMAPClient, server: MailServer) -> None:
    client.select_folder("Drafts")
    sent = crlf(message("imapclient"))
    client.append("Drafts", sent, ["\\Draft"], datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC))
    (uid,) = client.search(["DRAFT", "SUBJECT", "imapclient"])
    assert client.search(["SUBJECT", "ümläut"], charset="UTF-8") == []
    found = client.fetch([uid], ["ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[]", "MODSEQ"])[
        uid
    ]
    assert found[b"ENVELOPE"].message_id == b"<imapclient@test>"
    assert found[b"BODYSTRUCTURE"][:2] == (b"text", b"plain")
    assert (found[b"RFC822.SIZE"], found[b"BODY[]"]) == (len(sent), sent)
    assert client.add_flags([uid], ["$Label1", "\\Seen"])[uid] >= (b"\\Seen",)
    (modseq,) = found[b"MODSEQ"]
    assert list(client.fetch([uid], ["FLAGS"], [f"CHANGEDSINCE {modseq}"])) == [uid]
    client.move([uid], "Trash")
    assert client.folder_status("Drafts", ["MESSAGES"]) == {b"MESSAGES": 0}
    client.select_folder("Trash")
    client.delete_messages(client.search("ALL"))
    client.expunge()
    assert client.search() == []


def test_imapclient_hears_in_idle(client: IMAPClient, server: MailServer) -> None:
    count = client.select_folder("INBOX")[b"EXISTS"]
    client.idle()
    deliver(server, message("idle-client"))
    assert (count + 1, b"EXISTS") in client.idle_check(timeout=PUSH_SECONDS)
    client.idle_done()
    (uid,) = client.search(["SUBJECT", "idle-client"])
    client.delete_messages([uid])
    client.uid_expunge([uid])


async def session(server: MailServer) -> Any:
    made = aioimaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=trusting(server), timeout=30)
    await made.wait_hello_from_server()
    assert (await made.login(BOB, PASSWORD)).result == "OK"
    assert (await made.select("INBOX")).result == "OK"
    return made


async def heard(idle: Any, what: bytes) -> bytes:
    """What was pushed until `what` came."""
    said = b""
    while what not in said:
        pushed: Awaitable[Any] = idle.wait_server_push(timeout=PUSH_SECONDS)
        said += b"\n".join(await pushed)
    return said


async def in_idle(server: MailServer) -> None:
    watcher, worker = await session(server), await session(server)
    ended = await watcher.idle_start(timeout=60)
    await asyncio.to_thread(deliver, server, message("pushed"), BOB)
    await heard(watcher, b"1 EXISTS")
    assert (await worker.noop()).result == "OK"
    assert (await worker.store("1", "+FLAGS (\\Flagged $Hot)")).result == "OK"
    assert b"$Hot" in await heard(watcher, b"1 FETCH (FLAGS (")
    await asyncio.to_thread(append, server, message("second"), "()", BOB)
    await heard(watcher, b"2 EXISTS")
    assert (await worker.noop()).result == "OK"
    assert (await worker.store("1", "+FLAGS.SILENT (\\Deleted)")).result == "OK"
    await heard(watcher, b"\\Deleted")
    assert (await worker.expunge()).result == "OK"
    await heard(watcher, b"1 EXPUNGE")
    assert (await worker.uid("MOVE", "2", "Trash")).result == "OK"
    await heard(watcher, b"1 EXPUNGE")
    watcher.idle_done()
    await asyncio.wait_for(ended, PUSH_SECONDS)
    assert (await watcher.search("ALL")).lines[0] == b""
    for each in (watcher, worker):
        await each.logout()


def test_aioimaplib_hears_all_in_idle(server: MailServer) -> None:
    asyncio.run(asyncio.wait_for(in_idle(server), 120))
