"""A store that came back from a backup: nothing that clients were told since then is told again of other mail."""

import shutil
from pathlib import Path

import pytest

from mailserverd.backends.lmdb.restored import begin_epoch
from mailserverd.interfaces.mail_store import Expunge
from mailserverd.model.errors import TooOld
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.contracts.mail import Mail, octets_of

NOW = 2_000_000_000


def test_what_was_told_since_the_backup_is_not_told_again(tmp_path: Path) -> None:
    before, backup = tmp_path / "data", tmp_path / "backup"
    before.mkdir()
    store = Embedded(before, Loop())
    mail = Mail(store.loop, store.mail_store)
    for number in range(1, 6):
        mail.add(number)
    mail.commit(Expunge(mail.inbox, ((2, 2),), only_deleted=False))
    store.close()
    shutil.copytree(before, backup)

    store = Embedded(before, Loop())
    mail = Mail(store.loop, store.mail_store)
    for number in range(6, 20):
        mail.add(number)
    lost = mail.create("Lost")
    told = mail.state().modseq
    validities = {row.uid_validity for row in mail.mailboxes()}
    store.close()

    store = Embedded(backup, Loop())
    assert store.loop.run(begin_epoch(store.environment, store.writer, NOW)) == (1, 1)
    store.close()
    store = Embedded(backup, Loop())
    mail = Mail(store.loop, store.mail_store)
    modseq = mail.state().modseq
    assert modseq > told
    assert not validities & {row.uid_validity for row in mail.mailboxes()}
    assert [row.highest_modseq for row in mail.mailboxes()] == [modseq]
    with pytest.raises(TooOld):
        mail.changes(told)
    with pytest.raises(TooOld):
        mail.expunged(told)
    assert mail.create("New") > lost
    mail.add(99)
    assert [mail.octets(row.email_id) for row in mail.rows()] == [octets_of(n) for n in (1, 3, 4, 5, 99)]
    again = mail.state().modseq
    assert again > modseq
    assert store.check().findings == []
    store.close()
