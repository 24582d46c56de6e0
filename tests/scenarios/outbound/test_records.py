"""`mailserverd dns`: what it prints, published as it stands, is what --check looks for."""

import json
from pathlib import Path

import dns.rdatatype
import dns.zone

from tests.nameserver.server import Nameserver
from tests.nameserver.zones import Zones
from tests.scenarios.server import MailServer


def test_the_printed_zone_passes_its_own_check(tmp_path: Path) -> None:
    zones = Zones("mail.example.org A 127.0.0.1", "1.0.0.127.in-addr.arpa PTR mail.example.org.")
    with Nameserver(zones) as nameserver:
        server = MailServer(tmp_path, {}, {"dns": {"nameservers": [nameserver.address]}})
        before = server.cli("dns", "example.org", "--check", check=False)
        assert before.returncode == 1
        assert "MX: example.org MX: it is not in the DNS; publish 10 mail.example.org." in before.stdout
        with server:  # whether the server runs or not, the answer is the same
            text = "$ORIGIN .\n. 60 IN SOA ns. host. 1 1 1 1 1\n" + server.cli("dns", "example.org").stdout
            zone = dns.zone.from_text(text, "", check_origin=False)
            for name, _, data in zone.iterate_rdatas():
                kind = dns.rdatatype.to_text(data.rdtype)
                if kind != "SOA":
                    zones.add(f"{name.to_text().rstrip('.')} {kind} {data.to_text(origin=dns.name.root)}")
            after = server.cli("dns", "example.org", "--check", check=False)
            assert (after.returncode, after.stdout) == (0, "example.org: the DNS says what it should\n")
            zones.remove("_dmarc.example.org", "TXT")
            found = server.cli("dns", "example.org", "--check", "--json", check=False)
            assert found.returncode == 1
            [difference] = json.loads(found.stdout)["differences"]
            assert difference["name"] == "_dmarc.example.org"
        assert "no domain of this server" in server.cli("dns", "other.example", check=False).stderr
