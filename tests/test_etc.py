"""What lies in etc/: the systemd unit as systemd reads it, and no more rights than it needs."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[1] / "etc" / "mailserverd.service"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with programs that are there: systemd looks for them."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here (apt package systemd)")
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"=/opt/mailserverd/bin/\S+", f"={sys.executable}", UNIT.read_text()))
    return unit


def test_systemd_finds_nothing_wrong(installed: Path) -> None:
    ended = subprocess.run(
        ["systemd-analyze", "verify", str(installed)], capture_output=True, text=True, check=False, timeout=60
    )
    assert installed.name not in ended.stderr
    assert ended.returncode == 0, ended.stderr


def test_it_is_hardened(installed: Path) -> None:
    ended = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(installed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    exposure = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", ended.stdout)
    if exposure is None:
        pytest.skip("this systemd-analyze judges no files")
    assert float(exposure[1]) < 2.5


def test_low_ports_without_root() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    service = unit["Service"]
    assert service["User"] != "root"
    assert service["AmbientCapabilities"] == service["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert service["KillSignal"] == "SIGTERM"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
