from mailserverd.backends.process.leases import ProcessLeases
from tests.contracts.loop import Loop


def test_every_lease_is_granted_and_the_fence_rises() -> None:
    loop, leases = Loop(), ProcessLeases()
    first = loop.run(leases.acquire("account 1"))
    second = loop.run(leases.acquire("account 1"))
    loop.run(leases.release(first))
    third = loop.run(leases.acquire("account 1"))
    assert first.fence < second.fence < third.fence
    assert third.name == "account 1"
