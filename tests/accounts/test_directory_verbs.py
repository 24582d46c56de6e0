import tomllib

import pytest

from mailserverd.accounts.administration import VerbRefused
from mailserverd.accounts.passwords import matching_label
from mailserverd.model.errors import LimitReached
from tests.accounts.doubles import drive
from tests.accounts.verb_stage import VerbStage


@pytest.fixture
def stage():
    made = VerbStage("example.org", "second.example")
    drive(made.account.add("bob@example.org", "bobs", 'Bob "B" \\ ü', 5_000))
    drive(made.account.add("anna@example.org", "annas"))
    drive(made.secret.app_password_add("anna@example.org", "phone"))
    drive(made.alias.add("sales@example.org", ("anna@example.org", "bob@example.org")))
    drive(made.alias.add("all@second.example", ("sales@example.org",)))
    drive(made.domain.set("example.org", catch_all="sales@example.org"))
    return made


def exported(stage, **options):
    return drive(stage.whole.export(**options))["toml"]


def applied(stage, toml, **options):
    return drive(stage.whole.apply(toml, **options))["changes"]


def test_what_was_exported_is_there_already(stage):
    assert applied(stage, exported(stage)) == []
    assert applied(stage, exported(stage, secrets=False)) == []


def test_an_empty_server_becomes_the_same(stage):
    other = VerbStage()
    changes = applied(other, exported(stage))
    assert exported(other) == exported(stage)
    assert changes == [
        "add domain example.org",
        "add domain second.example",
        "add account anna@example.org",
        "add account bob@example.org",
        "add alias sales@example.org -> anna@example.org, bob@example.org",
        "add alias all@second.example -> sales@example.org",
        "set domain example.org: catch-all sales@example.org",
    ]
    assert matching_label("annas", drive(other.directory.credentials(1))) == ""
    assert other.mailboxes.notes == [("furnish", 1), ("furnish", 2)]


def test_the_export_is_ordered_and_has_no_times_of_use(stage):
    before = exported(stage)
    drive(stage.directory.note_use(2, "phone", 1_800_000_000))
    assert exported(stage) == before
    names = [each["address"] for each in tomllib.loads(before)["account"]]
    assert names == sorted(names)
    assert "argon2" not in exported(stage, secrets=False)


def test_dry_run_changes_nothing(stage):
    text = exported(stage).replace("quota_bytes = 5000", "quota_bytes = 6000")
    change = ["set account bob@example.org: quota_bytes 5000 -> 6000"]
    assert applied(stage, text, dry_run=True) == change
    assert applied(stage, text) == change
    assert applied(stage, text) == []


def test_passwords_come_with_the_file(stage):
    other = VerbStage()
    applied(other, exported(stage))
    drive(other.secret.password("anna@example.org", "changed"))
    assert applied(stage, exported(other)) == ["set passwords of anna@example.org"]
    assert matching_label("changed", drive(stage.directory.credentials(2))) == ""
    assert applied(stage, exported(other)) == []


def test_without_secrets_passwords_stay(stage):
    bare = exported(stage, secrets=False).replace('name = "Bob', 'disabled = true\nname = "Bob')
    assert applied(stage, bare) == ["set account bob@example.org: disabled False -> True"]
    assert matching_label("bobs", drive(stage.directory.credentials(1))) == ""


def test_apply_keeps_times_of_use(stage):
    drive(stage.directory.note_use(2, "phone", 1_800_000_000))
    text = exported(stage)
    drive(stage.secret.password("anna@example.org", "changed"))
    applied(stage, text)
    used = {each.label: each.last_used_at for each in drive(stage.directory.credentials(2)).secrets}
    assert used == {"": None, "phone": 1_800_000_000}


SMALL = """
[[domain]]
name = "example.org"
[[account]]
address = "anna@example.org"
[[alias]]
address = "all@example.org"
targets = ["anna@example.org"]
"""


def test_accounts_are_removed_only_when_asked(stage):
    with pytest.raises(VerbRefused, match=r"lacks 1 accounts \(bob@example.org\).*--remove-accounts"):
        applied(stage, SMALL)
    changes = applied(stage, SMALL, remove_accounts=True)
    assert changes == [
        "add alias all@example.org -> anna@example.org",
        "set domain example.org: catch-all none",
        "remove alias all@second.example",
        "remove alias sales@example.org",
        "remove account bob@example.org and its mail",
        "remove domain second.example",
    ]
    assert ("remove", 1) in stage.mailboxes.notes
    assert applied(stage, SMALL) == []
    assert [each["name"] for each in drive(stage.domain.list())] == ["example.org"]


def test_an_alias_becomes_an_account(stage):
    text = SMALL.replace("all@example.org", "help@example.org")
    text += '[[account]]\naddress = "sales@example.org"\n'
    applied(stage, text, remove_accounts=True)
    assert drive(stage.account.show("sales@example.org"))["address"] == "sales@example.org"


def test_an_account_does_not_become_an_alias_in_passing(stage):
    text = SMALL + '[[alias]]\naddress = "bob@example.org"\ntargets = ["anna@example.org"]\n'
    with pytest.raises(VerbRefused, match="remove the account first"):
        applied(stage, text, remove_accounts=True)


def test_another_order_of_domains(stage):
    tables = exported(stage).split("\n\n")
    first, second = (i for i, table in enumerate(tables) if table.startswith("[[domain]]"))
    tables[first], tables[second] = tables[second], tables[first]
    applied(stage, "\n\n".join(tables))
    assert [each["name"] for each in drive(stage.domain.list())] == ["second.example", "example.org"]
    assert applied(stage, "\n\n".join(tables)) == []


def test_interrupted_apply_is_finished_by_another(stage):
    other = VerbStage()
    text = exported(stage)
    add, calls = other.mailboxes.furnish, []

    async def once(account_id):
        calls.append(account_id)
        if len(calls) == 1:
            raise LimitReached("no")
        await add(account_id)

    other.mailboxes.furnish = once
    with pytest.raises(LimitReached):
        applied(other, text)
    applied(other, text)
    assert exported(other) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("=", "not TOML"),
        ('[[domain]]\nname = "a.example"\nnonsense = 1', "nonsense"),
        ("[[domain]]\nname = 5", "domain"),
        ('[[domain]]\nname = "a b"', "characters"),
        ('[[domain]]\nname = "a.example"\n[[domain]]\nname = "A.example"', "same domain twice"),
        ('[[account]]\naddress = "a@a.example"', "domain that the file does not have"),
        (SMALL + '[[account]]\naddress = "ANNA@example.org"', "same account twice"),
        (SMALL + '[[alias]]\naddress = "all@example.org"\ntargets = ["anna@example.org"]', "same alias twice"),
        (SMALL + '[[alias]]\naddress = "x@example.org"\ntargets = []', "no target"),
        (SMALL + '[[alias]]\naddress = "x@example.org"\ntargets = ["nobody@example.org"]', "does not have"),
        (
            SMALL + '[[alias]]\naddress = "anna@example.org"\ntargets = ["all@example.org"]',
            "both an account and an alias",
        ),
        (SMALL + '[[alias]]\naddress = "x@example.org"\ntargets = ["x@example.org"]', "back to itself"),
        ('[[domain]]\nname = "a.example"\ncatch_all = "x@a.example"', "does not have"),
        (SMALL + '[[account]]\naddress = "b@example.org"\nquota_bytes = -5', "quota"),
    ],
)
def test_files_that_are_refused_change_nothing(text, why):
    stage = VerbStage()
    with pytest.raises((VerbRefused, LimitReached), match=why):
        applied(stage, text)
    assert drive(stage.domain.list()) == []


SECRET = """
[[domain]]
name = "example.org"
[[account]]
address = "anna@example.org"
scram_salt = "c2FsdA=="
scram_iterations = 4096
[[account.secret]]
argon2 = "$argon2id$x"
stored_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
server_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
created_at = 5
"""


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"c2FsdA=="', '"!"', "not base64"),
        ("$argon2id$x", "secret", "argon2id"),
        ('"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="', '"AAAA"', "32 octets"),
        ("scram_iterations = 4096", "", "scram_iterations"),
        ("created_at = 5", "", "created_at"),
    ],
)
def test_secrets_that_are_refused(old, new, why):
    with pytest.raises(VerbRefused, match=why):
        applied(VerbStage(), SECRET.replace(old, new))


def test_secrets_of_the_same_label_are_refused():
    secret = SECRET[SECRET.index("[[account.secret]]") :]
    with pytest.raises(VerbRefused, match="same label"):
        applied(VerbStage(), SECRET + secret)
