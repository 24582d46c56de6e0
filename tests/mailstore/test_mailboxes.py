import pytest

from mailserverd.mailstore import mailboxes
from mailserverd.mailstore.mailbox_names import canonical_name, check_new_name
from mailserverd.model.errors import AlreadyExists, LimitReached, NotFound, NotPermitted
from tests.mailstore.memory_mail import MemoryMail, drive


def names(mail):
    return [row.name for row in drive(mail.mailboxes())]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("inbox", "INBOX"), ("InBox/a", "INBOX/a"), ("inboxes", "inboxes"), ("a/", "a"), ("e\u0301", "\xe9")],
)
def test_one_form_of_a_name(given, kept):
    assert canonical_name(given) == kept


@pytest.mark.parametrize("name", ["", "/a", "a//b", "Other Users/x", "Shared", "a\tb", "a\u2028b", "a\x7f", "x\ud800"])
def test_names_that_are_refused(name):
    with pytest.raises(NotPermitted):
        check_new_name(name)


@pytest.mark.parametrize("name", ["a" * 401, "/".join("a" * 33)])
def test_names_that_are_too_long(name):
    with pytest.raises(LimitReached):
        check_new_name(name)


def test_create_makes_the_parents_in_one_commit():
    mail = MemoryMail()
    before = len(mail.commits)
    made = drive(mailboxes.create(mail, "a/b/c/"))
    assert names(mail) == ["INBOX", "a", "a/b", "a/b/c"]
    assert drive(mailboxes.find(mail, "a/b/c")).mailbox_id == made
    assert len(mail.commits) == before + 1
    with pytest.raises(AlreadyExists):
        drive(mailboxes.create(mail, "a/b"))
    with pytest.raises(AlreadyExists):
        drive(mailboxes.create(mail, "inbox"))


def test_an_account_has_only_so_many(monkeypatch):
    monkeypatch.setattr(mailboxes, "MAX_MAILBOXES", 4)
    mail = MemoryMail()
    drive(mailboxes.create(mail, "a/b"))
    with pytest.raises(LimitReached, match="at most 4"):
        drive(mailboxes.create(mail, "c/d"))
    with pytest.raises(LimitReached):
        drive(mailboxes.rename(mail, "a/b", "x/y/b"))
    drive(mailboxes.create(mail, "c"))
    drive(mailboxes.rename(mail, "c", "a/c"))
    assert len(names(mail)) == 4


def test_a_subscription_outlives_its_mailbox():
    mail = MemoryMail()
    drive(mailboxes.create(mail, "a"))
    drive(mailboxes.subscribe(mail, "a"))
    drive(mailboxes.delete(mail, "a"))
    assert drive(mailboxes.absent_subscriptions(mail)) == ["a"]
    drive(mailboxes.create(mail, "a"))
    assert drive(mailboxes.find(mail, "a")).subscribed
    assert drive(mailboxes.absent_subscriptions(mail)) == []
    drive(mailboxes.unsubscribe(mail, "a"))
    assert not drive(mailboxes.find(mail, "a")).subscribed


def test_names_without_a_mailbox_can_be_subscribed():
    mail = MemoryMail()
    drive(mailboxes.subscribe(mail, "x/y"))
    drive(mailboxes.subscribe(mail, "x/yy"))
    drive(mailboxes.unsubscribe(mail, "x"))
    drive(mailboxes.unsubscribe(mail, "x/y"))
    assert drive(mailboxes.absent_subscriptions(mail)) == ["x/yy"]


def test_delete_keeps_children_and_the_inbox():
    mail = MemoryMail()
    drive(mailboxes.create(mail, "a/b"))
    drive(mailboxes.delete(mail, "a"))
    assert names(mail) == ["INBOX", "a/b"]
    with pytest.raises(NotPermitted):
        drive(mailboxes.delete(mail, "inbox"))
    with pytest.raises(NotFound):
        drive(mailboxes.delete(mail, "a"))


def test_rename_takes_children_and_makes_parents():
    mail = MemoryMail()
    drive(mailboxes.create(mail, "a/b/c"))
    drive(mailboxes.rename(mail, "a", "new/top"))
    assert names(mail) == ["INBOX", "new", "new/top", "new/top/b", "new/top/b/c"]


def test_rename_of_a_name_that_only_its_children_imply():
    mail = MemoryMail()
    drive(mailboxes.create(mail, "a/b"))
    drive(mailboxes.create(mail, "a/b/c"))
    drive(mailboxes.delete(mail, "a"))
    drive(mailboxes.rename(mail, "a", "z"))
    assert names(mail) == ["INBOX", "z/b", "z/b/c"]


def test_rename_refuses():
    mail = MemoryMail()
    drive(mailboxes.create(mail, "a"))
    drive(mailboxes.create(mail, "b"))
    for old, new, error in [
        ("a", "b", AlreadyExists),
        ("a", "a/x", NotPermitted),
        ("x", "y", NotFound),
        ("a", "Shared/a", NotPermitted),
    ]:
        with pytest.raises(error):
            drive(mailboxes.rename(mail, old, new))


def test_renaming_the_inbox_moves_its_mail_and_leaves_its_children():
    mail = MemoryMail()
    drive(mailboxes.create(mail, "INBOX/child"))
    mail.add(b"Subject: 1\r\n\r\nx\r\n", ["\\Seen"])
    drive(mailboxes.rename(mail, "inbox", "old"))
    assert names(mail) == ["INBOX", "INBOX/child", "old"]
    assert drive(mailboxes.find(mail, "INBOX")).messages == 0
    assert drive(mailboxes.find(mail, "old")).messages == 1


def test_a_new_account_is_furnished_once():
    mail = MemoryMail()
    wanted = {"\\Drafts": "Drafts", "\\Sent": "Mail/Sent", "\\Junk": ""}
    drive(mailboxes.furnish(mail, wanted))
    assert names(mail) == ["Drafts", "INBOX", "Mail", "Mail/Sent"]
    assert drive(mailboxes.find(mail, "Mail/Sent")).special_use == ("\\Sent",)
    assert all(row.subscribed for row in drive(mail.mailboxes()))
    commits = len(mail.commits)
    drive(mailboxes.furnish(mail, wanted))
    assert len(mail.commits) == commits
