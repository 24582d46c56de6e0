"""`make bench`: speed and memory of this machine's server, and side by side with a peer that runs already.

    python -m tests.bench                                  every workload once
    python -m tests.bench imap-append smtp-ingest          some of them
    python -m tests.bench --against peers/dovecot.env --rounds 5 imap-append

The load comes from ../shared/bench (a generator that knows no server). The server is started here, durable as
always, in a folder of the disk that the checkout is on; loopback is exempt from limits and may log in without TLS.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.scenarios.server import ROOT, MailServer

BENCH = ROOT.parent / "shared" / "bench"
DOMAIN, LOGIN, PASSWORD, USERS = "bench.example", "bench", "benchpass", 50
LOOPBACK = ["127.0.0.0/8", "::1/128"]
WORKLOADS: tuple[tuple[str, ...], ...] = (
    ("smtp-ingest", "-s", "8"),
    ("smtp-ingest", "--lmtp", "-s", "8"),
    ("smtp-ingest", "-s", "50", "--users", "50"),
    ("imap-append", "-s", "4"),
    ("imap-fetch-envelopes", "-n", "10000"),
    ("imap-fetch-headers", "-n", "10000"),
    ("imap-fetch-bodystructure", "-n", "10000"),
    ("imap-fetch-bodies", "-n", "10000"),
    ("imap-store-single",),
    ("imap-store-bulk",),
    ("imap-select", "-n", "10000"),
    ("imap-login", "-s", "8"),
    ("imap-mixed", "-s", "30"),
    ("idle-connections",),
    ("pop3-drain",),
    ("pop3-drain", "--pipelining"),
)


def server(folder: Path) -> MailServer:
    accounts = {f"{name}@{DOMAIN}": PASSWORD for name in (LOGIN, *(f"{LOGIN}{n}" for n in range(1, USERS + 1)))}
    settings = {
        "limits": {"exempt_networks": LOOPBACK},
        "login": {"insecure_login_networks": LOOPBACK},
    }
    return MailServer(folder, accounts, settings, DOMAIN)


def env_file(running: MailServer) -> Path:
    """What the load generator wants to know of a server."""
    path = running.folder / "bench.env"
    ports = {"SMTP": "smtp", "LMTP": "lmtp", "IMAP": "imap", "POP3": "pop3"}
    lines = [f"{name}_PORT={running.port(listener)}" for name, listener in ports.items()]
    lines += ["LABEL=mailserverd", f"LOGIN={LOGIN}", f"PASSWORD={PASSWORD}", f"DOMAIN={DOMAIN}", f"PIDS={running.pid}"]
    path.write_text("\n".join(lines) + "\n")
    return path


def run(workload: tuple[str, ...], env: Path, against: Path | None, rounds: int) -> int:
    name, *options = workload
    if against is None:
        command = [sys.executable, "-m", "loadgen", name, "--server", str(env), *options]
    else:
        command = [str(BENCH / "compare"), name, str(against), str(env), "--rounds-ab", str(rounds), *options]
    print("\n==", *workload, flush=True)
    return subprocess.run(command, cwd=BENCH, check=False, env=dict(os.environ)).returncode


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="workloads; all of the project's table without any")
    parser.add_argument("--against", type=lambda text: Path(text).resolve(), help="the .env file of a running peer")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if not (BENCH / "loadgen").is_dir():
        print(f"{BENCH} is not there: the load generator lives beside the checkout, not in it")
        return 1
    wanted = [each for each in WORKLOADS if not given.names or each[0] in given.names]
    with tempfile.TemporaryDirectory(
        prefix="bench-", dir=ROOT / "build" if (ROOT / "build").is_dir() else None
    ) as folder:
        with server(Path(folder)) as running:
            env = env_file(running)
            return max([run(each, env, given.against, given.rounds) for each in wanted], default=0)


if __name__ == "__main__":
    raise SystemExit(main())
