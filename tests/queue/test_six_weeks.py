"""Six weeks of sending under a clock: pools, warm-up, suppression and suspension each change real attempts."""

from mailserverd.interfaces.mail_transport import Result
from mailserverd.model.outcome import Refused
from mailserverd.model.queue_entry import State
from mailserverd.queue.pools import REST_FOR_GOOD_SECONDS
from tests.queue.memory_store import MemoryQueue
from tests.queue.reputation_double import Stores, run
from tests.queue.six_weeks import ANNA, MALLORY, NEW, OWN, RAMP, WARM, SendingHouse
from tests.queue.stage import NOW as START
from tests.queue.stage import OK, later, never
from tests.wire.dsn.test_incoming import POSTFIX

BULK_A_DAY = 50
GOOGLE, OTHER = "mx.google.com", "mx.small.example"


def opened() -> SendingHouse:
    house = SendingHouse(Stores(), MemoryQueue())
    house.host(GOOGLE, "gmail.example", "google-hosted.example")
    house.host(OTHER, "small.example")
    return house


def bulk(house: SendingHouse, count: int = BULK_A_DAY, domain: str = "small.example") -> None:
    for n in range(count):
        assert house.send(ANNA, "", f"reader{n}@{domain}") is None


def test_six_weeks() -> None:
    house = opened()
    gone = "gone@small.example"
    for day in range(42):
        if day in (3, 20):
            house = house.restarted()
        host = house.stage.hosts.by_name[OTHER]
        host.answer = lambda address: never("550 5.1.1 no such user") if address == gone else OK
        before = len(house.stage.notes.attempts)
        bulk(house)
        assert house.send(ANNA, "transactional", "customer@small.example") is None
        to_gone = house.send(ANNA, "", gone)
        house.pass_day()
        kinds = [each.kind for each in house.stage.notes.attempts[before:]]
        tried = host.recipients().count(gone)

        # warm-up and pools: the new address has its share of the day, the other the rest; the classes keep apart
        sources = house.sources(OTHER)
        messages = BULK_A_DAY + (to_gone is None)
        if day < len(RAMP):
            assert sources == {NEW: RAMP[day], WARM: messages - RAMP[day], OWN: 1}, day
        else:
            assert sources[NEW] + sources[WARM] == messages
            assert abs(sources[NEW] - sources[WARM]) <= 1, f"warm on day {day}: it takes its turn"

        # suppression: tried once, refused for 14 days, tried again
        if day % 14 == 0:
            assert to_gone is None
            assert kinds.count("failed") == 1
        else:
            assert to_gone == Refused("5.7.1", "suppressed: mail to this address bounced"), day
            assert "failed" not in kinds
        assert tried == day // 14 + 1
        assert house.stage.wait(house.queue.next_due()) is None, "nothing waits"
    assert len(host.recipients()) == 42 * (BULK_A_DAY + 1) + 3
    assert house.told == [], "one bounce in 51 suspends nobody"
    senders = {each.sender for each in host.messages if each.recipients[0].address == "reader0@small.example"}
    assert len(senders) == 42, "each message has a return path of its own"
    assert all(b"List-Unsubscribe: <mailto:unsubscribe-" in body for body in house_bodies(house, "reader0"))
    assert not any(b"List-Unsubscribe" in body for body in house_bodies(house, "customer"))


def house_bodies(house: SendingHouse, name: str) -> list[bytes]:
    host = house.stage.hosts.by_name[OTHER]
    pairs = zip(host.messages, host.bodies, strict=True)
    return [body for message, body in pairs if message.recipients[0].address.startswith(name)]


def test_an_address_that_a_provider_blocks_rests_there_alone() -> None:
    house = opened()
    host = house.stage.hosts.by_name[GOOGLE]
    bulk(house, 3, "gmail.example")
    house.stage.run(5)
    assert house.sources(GOOGLE) == {NEW: 3}
    blocked = "550 5.7.1 [192.0.2.2] Our system has detected an unusual rate of unsolicited mail"
    host.answer = lambda _: never(blocked)
    bulk(house, 1, "gmail.example")
    house.stage.run(5)
    host.answer = lambda _: OK
    assert house.stage.kinds()[-1] == "failed", "a 5yz reply is final for its recipient"
    house.sources(GOOGLE)

    house = house.restarted()
    bulk(house, 4, "google-hosted.example")  # another domain behind the same exchangers
    bulk(house, 1, "small.example")
    house.stage.run(30)
    assert house.sources(GOOGLE) == {WARM: 4}
    assert house.sources(OTHER) == {NEW: 1}
    house.stage.clock.advance(REST_FOR_GOOD_SECONDS)
    house.pass_day()
    bulk(house, 3, "gmail.example")
    house.stage.run(30)
    assert house.sources(GOOGLE) == {NEW: 3}


def test_a_bounce_that_comes_back_later_stops_the_next_attempt() -> None:
    house = opened()
    host = house.stage.hosts.by_name[OTHER]
    assert house.send(ANNA, "", "late@small.example") is None
    house.stage.run(5)
    path = host.messages[0].sender
    assert run(house.feedback.leads_to(path)) == "anna@example.org"

    host.answer = lambda _: never("450 4.2.0 try later")
    assert house.send(ANNA, "", "late@small.example") is None
    run(house.feedback.read([path], "", POSTFIX, house.stage.now))
    house.pass_day()
    assert house.told == ["bounced late@small.example"]
    assert house.stage.kinds() == ["delivered", "suppressed"]
    assert len(host.messages) == 1
    assert isinstance(house.send(ANNA, "", "Late@small.example"), Refused)


def test_who_unsubscribes_gets_no_more_of_this_class_and_all_else() -> None:
    house = opened()
    host = house.stage.hosts.by_name[OTHER]
    house.send(ANNA, "", "reader@small.example")
    house.stage.run(5)
    field = host.bodies[0].partition(b"<mailto:")[2].partition(b">")[0].decode()
    address, _, subject = field.partition("?subject=")
    run(house.feedback.read([address], "reader@small.example", f"Subject: {subject}\r\n\r\n".encode(), 5))
    house.send(ANNA, "", "reader@small.example")
    house.send(ANNA, "transactional", "reader@small.example")
    house.stage.run(5)
    assert sorted(house.stage.kinds()) == ["delivered", "delivered", "suppressed"]
    assert [b"List-Unsubscribe" in body for body in host.bodies] == [True, False]


def test_an_account_that_bounces_is_suspended_its_queue_waits_and_one_command_sends_it() -> None:
    house = opened()
    host = house.stage.hosts.by_name[OTHER]
    host.answer = lambda address: never("550 5.1.1 no such user") if address.startswith("x") else OK
    for n in range(60):
        name = "x" if n % 8 == 0 else "r"
        assert house.send(MALLORY, "", f"{name}{n}@small.example") is None
    house.stage.run(30)
    assert len(house.told) == 1
    refused = house.send(MALLORY, "", "r@small.example")
    assert isinstance(refused, Refused)
    assert refused.why.startswith("your account is suspended from sending: of 5")
    assert house.send(ANNA, "", "r@small.example") is None, "others go on"
    house.stage.run(5)
    waiting = [row for row in house.queue.rows.values() if row.state in (State.DUE, State.DEFERRED)]
    sent = len(host.messages)
    assert waiting, "what was not tried yet waits"
    assert {each.attempts for each in waiting} == {0}
    house.pass_day()
    assert len(host.messages) == sent, "a day later it waits still"

    house = house.restarted()
    assert run(house.suspensions.resume(MALLORY.account_id))
    house.pass_day()
    assert not [row for row in house.queue.rows.values() if row.state in (State.DUE, State.DEFERRED)]
    assert len(host.messages) == sent + len(waiting)
    assert house.send(MALLORY, "", "r@small.example") is None


def test_two_domains_at_one_provider_are_slowed_by_one_421_and_sped_up_by_success() -> None:
    house = opened()
    host = house.stage.hosts.by_name[GOOGLE]
    host.seconds = 1.0
    asked_to_slow_down = []

    def answer(address: str) -> Result:
        if house.stage.now >= START + 30 and not asked_to_slow_down and address.endswith("gmail.example"):
            asked_to_slow_down.append(house.stage.now)
            return later("421 4.7.0 slow down, please")
        return OK

    host.answer = answer
    for n in range(400):
        for domain in ("gmail.example", "google-hosted.example"):
            house.send(ANNA, "transactional", f"r{n}@{domain}")
    open_at = []
    for _ in range(60):
        house.stage.run(1)
        open_at.append(host.open)
    slowed = asked_to_slow_down[0] - START
    assert open_at[slowed - 2] == 10
    assert min(open_at[slowed : slowed + 3]) == 5, open_at
    assert open_at[-1] == 10, open_at
    assert host.most_open == 10
    domains = [address.partition("@")[2] for address in host.recipients()]
    counts = [domains.count(each) for each in ("gmail.example", "google-hosted.example")]
    assert max(counts) < 1.25 * min(counts), "both have the same share of the connections"
