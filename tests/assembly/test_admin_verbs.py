import pytest
from twisted.logger import globalLogPublisher

from mailserverd.accounts.administration import VerbRefused
from mailserverd.assembly.admin_verbs import AdminVerbs, directory_verbs
from mailserverd.model.errors import NotFound
from tests.accounts.doubles import drive
from tests.accounts.verb_stage import VerbStage


def verbs_with(handler):
    verbs = AdminVerbs()
    verbs.register("some verb", handler)
    return verbs


async def greeting(name: str, times: int = 1, loud: bool | None = None, tags: tuple[str, ...] = ()) -> object:
    return [name] * times + list(tags)


def test_arguments_by_name_with_defaults():
    assert drive(verbs_with(greeting).call("some verb", {"name": "x", "times": 2, "tags": ["t"]})) == ["x", "x", "t"]
    assert drive(verbs_with(greeting).call("some verb", {"name": "x"})) == ["x"]


@pytest.mark.parametrize("arguments", [{}, {"name": 5}, {"name": "x", "times": "2"}, {"name": "x", "extra": 1}])
def test_arguments_are_checked(arguments):
    with pytest.raises(VerbRefused, match="some verb"):
        drive(verbs_with(greeting).call("some verb", arguments))


def test_unknown_verb():
    with pytest.raises(VerbRefused, match="no such verb"):
        drive(AdminVerbs().call("x", {}))


def test_store_errors_are_said_in_their_own_words():
    async def handler() -> object:
        raise NotFound("no account anna@example.org")

    with pytest.raises(VerbRefused, match=r"^no account anna"):
        drive(verbs_with(handler).call("some verb", {}))


def test_our_own_errors_are_logged_and_told_without_details():
    async def handler() -> object:
        raise ZeroDivisionError("inner details")

    seen = []
    globalLogPublisher.addObserver(seen.append)
    try:
        with pytest.raises(VerbRefused, match="ZeroDivisionError") as raised:
            drive(verbs_with(handler).call("some verb", {}))
    finally:
        globalLogPublisher.removeObserver(seen.append)
    assert "inner details" not in str(raised.value)
    assert any(event.get("verb") == "some verb" and event.get("log_failure") for event in seen)


def test_every_verb_of_the_command_line_is_there():
    stage = VerbStage("example.org")
    verbs = directory_verbs(stage.administration)
    for verb, arguments in (
        ("account add", {"address": "anna@example.org", "password": "pw"}),
        ("account list", {}),
        ("account show", {"address": "anna@example.org"}),
        ("account set", {"address": "anna@example.org", "clear": ["quota"]}),
        ("account password", {"address": "anna@example.org", "password": "pw2"}),
        ("account app-password add", {"address": "anna@example.org", "label": "phone"}),
        ("account app-password list", {"address": "anna@example.org"}),
        ("account app-password remove", {"address": "anna@example.org", "label": "phone"}),
        ("account apop-secret", {"address": "anna@example.org", "secret": "s"}),
        ("alias add", {"address": "a@example.org", "targets": ["anna@example.org"]}),
        ("alias list", {}),
        ("alias show", {"address": "a@example.org"}),
        ("alias set", {"address": "a@example.org", "targets": ["anna@example.org"]}),
        ("directory export", {}),
        ("directory apply", {"toml": "", "dry_run": True, "remove_accounts": True}),
        ("alias remove", {"address": "a@example.org"}),
        ("account remove", {"address": "anna@example.org"}),
        ("domain add", {"name": "b.example"}),
        ("domain list", {}),
        ("domain show", {"name": "b.example"}),
        ("domain set", {"name": "b.example", "first": True}),
        ("domain remove", {"name": "b.example"}),
    ):
        assert drive(verbs.call(verb, arguments)) is not None
