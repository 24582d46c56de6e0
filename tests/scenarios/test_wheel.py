"""The wheel, installed in an empty venv outside the checkout: the command, the plugin, a port that answers."""

import os
import smtplib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.scenarios.server import ROOT, _free_offset

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ended = subprocess.run(
        [str(each) for each in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=600,
    )
    assert ended.returncode == 0, f"{command}:\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the checkout."""
    folder = tmp_path_factory.mktemp("build")
    copied = folder / "source"
    copied.mkdir()
    for name in ("mailserverd", "twisted", "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        run("cp", "-r", ROOT / name, copied / name, cwd=folder)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", copied, cwd=folder)
    (made,) = (folder / "dist").glob("*.whl")
    return made


def test_what_is_in_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"mailserverd/py.typed", "mailserverd/queue/replies.toml", "mailserverd/queue/providers.toml"} <= set(names)
    assert "twisted/plugins/mailserverd_plugin.py" in names
    assert not [name for name in names if name.startswith("tests/") or name.endswith(("twisted/__init__.py", ".pyc"))]


def test_it_works_where_the_checkout_is_not(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    programs = tmp_path / "venv" / "bin"
    run(programs / "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=tmp_path)
    assert "check-config" in run(programs / "mailserverd", "--help", cwd=tmp_path)
    assert "0.1.0" in run(programs / "mailserverd", "--version", cwd=tmp_path)
    offset = _free_offset()
    names = ("--domain", "example.org", "--hostname", "mail.example.org", "--port-offset", str(offset))
    run(programs / "mailserverd", "init", "server", *names, cwd=tmp_path)
    config = tmp_path / "server" / "mailserverd.toml"
    verbs = (programs / "mailserverd", "--config", config)
    assert "mailserverd" in run(programs / "twistd", "--help", cwd=tmp_path)
    run(programs / "twistd", "--pidfile=t.pid", "mailserverd", "--config", config, cwd=tmp_path)
    try:
        assert '"health": "ok"' in run(*verbs, "status", "--json", cwd=tmp_path)
        with smtplib.SMTP("127.0.0.1", 25 + offset) as client:
            code, _ = client.ehlo()
            assert code == 250
            assert client.has_extn("pipelining")
    finally:
        os.kill(int((tmp_path / "t.pid").read_text()), 15)
