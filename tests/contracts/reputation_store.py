"""What every ReputationStore, SendingCounts and SentMessages does."""

from dataclasses import replace

from mailserverd.interfaces.reputation_store import ReputationStore
from mailserverd.interfaces.sending_counts import SendingCounts
from mailserverd.interfaces.sent_messages import SentMessages
from mailserverd.model.identifiers import AccountId
from mailserverd.model.reputation import (
    EVERYBODY,
    Meter,
    Reason,
    Rest,
    SentMessage,
    Suppression,
    Suspension,
    WarmUp,
    account_scope,
)
from tests.contracts.loop import Loop

ANNA = AccountId(7)
BERT = AccountId(8)
HARD = Suppression("bö@example.net", Reason.HARD_BOUNCE, 1_000, 2_000, detail="550 5.1.1 no such user")
HOUR = Meter("t", 300, 12)
SENT = SentMessage("000q1", ANNA, "anna@example.org", "bulk", "id1@example.org", 1_000, 3, "QQ1")


class ReputationStoreContract:
    """The binding defines the fixtures `loop` and `store`, and reopen(store)."""

    def reopen(self, store: ReputationStore) -> ReputationStore:
        """The same records as a new start of the server sees them."""
        raise AssertionError("the binding says how")

    def test_a_suppression_comes_back_whole_in_its_scope_alone(self, loop: Loop, store: ReputationStore) -> None:
        loop.run(store.put_suppression(HARD))
        again = self.reopen(store)
        assert loop.run(again.suppression(HARD.address, [EVERYBODY, "7"])) == [HARD]
        assert loop.run(again.suppression(HARD.address, ["7"])) == []
        assert loop.run(again.suppression("b@example.net", [EVERYBODY])) == []

    def test_scopes_stand_beside_each_other_and_each_is_replaced_by_itself(
        self, loop: Loop, store: ReputationStore
    ) -> None:
        mine = replace(HARD, scope=account_scope(ANNA), reason=Reason.COMPLAINT)
        later = replace(HARD, expires=9_000, allowed=True)
        for each in (HARD, mine, later):
            loop.run(store.put_suppression(each))
        assert loop.run(store.suppression(HARD.address, [account_scope(ANNA), EVERYBODY])) == [mine, later]

    def test_removing_takes_one_scope_or_all_and_says_how_many(self, loop: Loop, store: ReputationStore) -> None:
        for scope in (EVERYBODY, "7", "7/bulk"):
            loop.run(store.put_suppression(replace(HARD, scope=scope)))
        loop.run(store.put_suppression(replace(HARD, address="bö@example.net.au")))
        assert loop.run(store.remove_suppression(HARD.address, "7")) == 1
        assert loop.run(store.remove_suppression(HARD.address, "7")) == 0
        assert loop.run(store.remove_suppression(HARD.address)) == 2
        page, _ = loop.run(self.reopen(store).suppressions("", 10))
        assert [each.address for each in page] == ["bö@example.net.au"]

    def test_the_list_comes_in_pages(self, loop: Loop, store: ReputationStore) -> None:
        for name in "abcde":
            loop.run(store.put_suppression(replace(HARD, address=f"{name}@example.net")))
        seen, after = [], ""
        for _ in range(3):
            page, after = loop.run(store.suppressions(after, 2))
            seen.append("".join(each.address[0] for each in page))
        assert (seen, after) == (["ab", "cd", "e"], "")
        loop.run(store.put_suppression(replace(HARD, address="c@example.net", scope="7")))
        page, after = loop.run(store.suppressions("", 9, "c@example.net"))
        assert ([each.scope for each in page], after) == (["", "7"], "")

    def test_soft_bounces_count_in_a_row(self, loop: Loop, store: ReputationStore) -> None:
        assert [loop.run(store.note_soft("a@example.net", n)) for n in (10, 20)] == [1, 2]
        assert loop.run(self.reopen(store).note_soft("a@example.net", 30)) == 3
        loop.run(store.forget_soft("a@example.net"))
        loop.run(store.forget_soft("never@example.net"))
        assert loop.run(store.note_soft("a@example.net", 40)) == 1

    def test_a_suspension_lasts_until_it_is_removed(self, loop: Loop, store: ReputationStore) -> None:
        suspended = Suspension(ANNA, 5, "12 of 100 bounced", "rates")
        loop.run(store.put_suspension(suspended))
        again = self.reopen(store)
        assert loop.run(again.suspension(ANNA)) == suspended
        assert loop.run(again.suspension(BERT)) is None
        assert loop.run(again.suspensions()) == [suspended]
        assert [loop.run(again.remove_suspension(ANNA)) for _ in range(2)] == [True, False]
        assert loop.run(self.reopen(again).suspensions()) == []

    def test_rests_and_warm_ups_of_each_address_are_kept(self, loop: Loop, store: ReputationStore) -> None:
        rest, warm = Rest("192.0.2.1", "google", 9_000, "421 blocked"), WarmUp("2001:db8::1", 100, 3, 17)
        loop.run(store.put_rest(replace(rest, until=5)))
        loop.run(store.put_rest(rest))
        loop.run(store.put_rest(replace(rest, provider="yahoo")))
        loop.run(store.put_warm_up(replace(warm, sent=1)))
        loop.run(store.put_warm_up(warm))
        again = self.reopen(store)
        assert loop.run(again.rests()) == [rest, replace(rest, provider="yahoo")]
        assert loop.run(again.warm_ups()) == [warm]

    def test_what_has_expired_is_tidied_away_and_nothing_else(self, loop: Loop, store: ReputationStore) -> None:
        loop.run(store.put_suppression(HARD))
        loop.run(store.put_suppression(replace(HARD, address="for@ever.example", expires=0)))
        loop.run(store.put_rest(Rest("192.0.2.1", "google", 1_500, "")))
        assert loop.run(store.tidy(1_499)) == 0
        assert loop.run(store.tidy(2_000)) == 2
        page, _ = loop.run(store.suppressions("", 10))
        assert [each.address for each in page] == ["for@ever.example"]
        assert loop.run(store.rests()) == []


class SendingCountsContract:
    """The binding defines the fixtures `loop` and `counts`, and reopen(counts)."""

    def reopen(self, counts: SendingCounts) -> SendingCounts:
        raise AssertionError("the binding says how")

    def test_a_count_is_of_the_time_of_its_meter(self, loop: Loop, counts: SendingCounts) -> None:
        start = 1_000 * 3_600
        assert loop.run(counts.add(HOUR, "a", 2, start)) == 2
        assert loop.run(counts.add(HOUR, "a", 3, start + 1_800)) == 5
        assert loop.run(counts.total(HOUR, "a", start + 3_599)) == 5
        assert loop.run(counts.total(HOUR, "a", start + 3_600)) == 3
        assert loop.run(counts.total(HOUR, "a", start + 1_800 + 3_600)) == 0
        assert loop.run(counts.total(HOUR, "b", start)) == 0
        assert loop.run(counts.total(HOUR._replace(name="u"), "a", start)) == 0

    def test_counts_are_there_after_a_new_start(self, loop: Loop, counts: SendingCounts) -> None:
        for _ in range(5):
            loop.run(counts.add(HOUR, "a", 1, 7_200))
        loop.run(counts.know(ANNA, ["x@example.net"], 7_200))
        loop.run(counts.written())
        again = self.reopen(counts)
        assert loop.run(again.total(HOUR, "a", 7_200)) == 5
        assert loop.run(again.add(HOUR, "a", 1, 7_200)) == 6
        assert loop.run(again.strangers(ANNA, ["x@example.net", "y@example.net", "y@example.net"])) == ["y@example.net"]

    def test_who_is_known_to_one_account_is_a_stranger_to_another(self, loop: Loop, counts: SendingCounts) -> None:
        loop.run(counts.know(ANNA, ["x@example.net"], 1))
        assert loop.run(counts.strangers(ANNA, ["x@example.net"])) == []
        assert loop.run(counts.strangers(BERT, ["x@example.net"])) == ["x@example.net"]

    def test_whom_an_account_knew_goes_with_it(self, loop: Loop, counts: SendingCounts) -> None:
        for account_id in (ANNA, BERT):
            loop.run(counts.know(account_id, ["x@example.net", "y@example.net"], 1))
        loop.run(counts.forget(ANNA))
        assert loop.run(counts.strangers(ANNA, ["x@example.net"])) == ["x@example.net"]
        assert loop.run(self.reopen(counts).strangers(BERT, ["x@example.net"])) == []

    def test_a_reset_count_begins_anew(self, loop: Loop, counts: SendingCounts) -> None:
        loop.run(counts.add(HOUR, "a", 9, 100))
        loop.run(counts.written())
        loop.run(counts.reset(HOUR, "a"))
        assert loop.run(counts.total(HOUR, "a", 100)) == 0
        loop.run(counts.written())
        assert loop.run(self.reopen(counts).total(HOUR, "a", 100)) == 0

    def test_counts_nobody_asks_for_any_more_are_tidied_away(self, loop: Loop, counts: SendingCounts) -> None:
        loop.run(counts.add(HOUR, "old", 1, 100))
        loop.run(counts.add(HOUR, "new", 1, 20 * 86_400))
        loop.run(counts.written())
        assert loop.run(counts.tidy(20 * 86_400)) == 1
        assert loop.run(counts.total(HOUR, "new", 20 * 86_400)) == 1


class SentMessagesContract:
    """The binding defines the fixtures `loop` and `messages`, and reopen(messages)."""

    def reopen(self, messages: SentMessages) -> SentMessages:
        raise AssertionError("the binding says how")

    def test_a_message_is_found_by_its_names_after_a_new_start(self, loop: Loop, messages: SentMessages) -> None:
        loop.run(messages.record(SENT, ["A@example.net", "b@example.net", "c@example.net"]))
        again = self.reopen(messages)
        assert loop.run(again.sent("000q1")) == SENT
        assert loop.run(again.by_message_id("id1@example.org")) == SENT
        assert loop.run(again.by_message_id("id2@example.org")) is None
        assert loop.run(again.by_envelope_id("QQ1")) == SENT
        assert loop.run(again.by_envelope_id("QQ2")) is None
        assert loop.run(again.sent("000q")) is None
        assert [loop.run(again.recipient("000q1", n)) for n in (0, 2, 3, -1)] == [
            "A@example.net",
            "c@example.net",
            None,
            None,
        ]
        assert [loop.run(again.position("000q1", each)) for each in ("a@EXAMPLE.net", "z@example.net")] == [0, None]

    def test_ten_thousand_recipients(self, loop: Loop, messages: SentMessages) -> None:
        loop.run(messages.record(replace(SENT, recipients=10_000), [f"r{n}@example.net" for n in range(10_000)]))
        assert loop.run(messages.recipient("000q1", 9_999)) == "r9999@example.net"
        assert loop.run(messages.position("000q1", "r7321@example.net")) == 7321
        assert loop.run(messages.tidy(9_000)) == 1
        assert loop.run(messages.recipient("000q1", 9_999)) is None

    def test_a_report_that_comes_again_is_not_the_first(self, loop: Loop, messages: SentMessages) -> None:
        loop.run(messages.record(SENT, ["a@example.net"]))
        assert loop.run(messages.first_report("000q1", 0, "bounce"))
        again = self.reopen(messages)
        assert not loop.run(again.first_report("000q1", 0, "bounce"))
        assert loop.run(again.first_report("000q1", 0, "complaint"))
        assert loop.run(again.first_report("000q1", 1, "bounce"))

    def test_old_messages_are_forgotten_with_all_that_names_them(self, loop: Loop, messages: SentMessages) -> None:
        young = replace(SENT, queue_id="000q2", message_id="id2@example.org", envid="QQ2", created=5_000)
        for message in (SENT, young):
            loop.run(messages.record(message, ["a@example.net"]))
        loop.run(messages.first_report("000q1", 0, "bounce"))
        assert loop.run(messages.tidy(5_000)) == 1
        assert loop.run(messages.by_message_id("id1@example.org")) is None
        assert loop.run(messages.by_envelope_id("QQ1")) is None
        assert loop.run(messages.by_message_id("id2@example.org")) == young
        assert loop.run(messages.first_report("000q1", 0, "bounce")), "the record of the report is gone too"
