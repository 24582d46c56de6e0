"""Health is what the checks say, and whether the server is up."""

from mailserverd.telemetry.health import Health


def test_healthy_only_when_running_and_every_check_holds() -> None:
    health = Health()
    assert health.problems() == {"server": "starting"}
    health.stage = "running"
    health.add("store", lambda: None)
    assert health.problems() == {}
    health.add("disk", lambda: "full; free some space")
    assert health.problems() == {"disk": "full; free some space"}
