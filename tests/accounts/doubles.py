"""What tests of logins share: a directory over a dictionary, hashing in line, a client's half of SCRAM."""

import base64
import hashlib
import hmac
from functools import cache

from twisted.internet.task import Clock

from mailserverd.accounts.authenticator import Authenticator
from mailserverd.accounts.login import Peer
from mailserverd.accounts.login_throttle import LoginThrottle
from mailserverd.accounts.passwords import make_credential
from mailserverd.accounts.remembered_passwords import RememberedPasswords
from mailserverd.backends.lmdb.directory import LmdbDirectory
from mailserverd.model.account import Account, Credentials, Domain
from mailserverd.model.identifiers import AccountId

SALT = b"a salt of 16 oct"
ITERATIONS = 4096
PASSWORD = "correct horse"
OVER_TLS = Peer("192.0.2.1", True, "imap", "s1")
IN_CLEAR = Peer("192.0.2.1", False, "imap", "s1")


def drive(coroutine):
    """The result of a coroutine that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waited")


class DictRecords:
    """Records in a dictionary. failing: an exception for the next write."""

    def __init__(self):
        self.stored = {}
        self.writes = 0
        self.failing = None

    def get(self, key):
        return self.stored.get(key)

    def scan(self, prefix):
        return [(key, self.stored[key]) for key in sorted(self.stored) if key.startswith(prefix)]

    async def write(self, puts, deletes=()):
        if self.failing is not None:
            raise self.failing
        self.writes += 1
        for key in deletes:
            self.stored.pop(key, None)
        self.stored.update(puts)


class InlineHashing:
    """Hashing in the caller's own turn. works: how often it was asked."""

    def __init__(self):
        self.works = 0
        self.failing = None

    async def run(self, work, address, known=lambda: None):
        if self.failing is not None:
            raise self.failing
        self.works += 1
        return work()


@cache
def credential(password=PASSWORD, label=""):
    return make_credential(password, SALT, ITERATIONS, label, 1_000)


def credentials_of(*passwords, account_id=0, generation=1, apop_secret=""):
    """The first is the password, the others are app passwords named "app1", "app2"."""
    secrets = tuple(credential(password, f"app{i}" if i else "") for i, password in enumerate(passwords))
    return Credentials(AccountId(account_id), generation, SALT, ITERATIONS, secrets, apop_secret)


def directory_with(*addresses, password=PASSWORD, records=None, apop_secret=""):
    """The domain of each address and an account with this password for each."""
    directory = LmdbDirectory(records or DictRecords())
    for address in addresses:
        domain = address.partition("@")[2]
        domains = [each.name for each in drive(directory.domains())]
        if domain not in domains:
            drive(directory.put_domain(Domain(domain, position=len(domains))))
        credentials = credentials_of(password, apop_secret=apop_secret)
        drive(directory.add_account(Account(AccountId(0), address), credentials))
    return directory


class Logins:
    """An Authenticator with everything around it in reach."""

    def __init__(self, directory, exempt=()):
        self.clock = Clock()
        self.hashing = InlineHashing()
        self.throttle = LoginThrottle(self.clock.seconds, exempt)
        self.remembered = RememberedPasswords(self.clock.seconds)
        self.outcomes = []
        self.directory = directory
        self.authenticator = Authenticator(
            directory,
            self.hashing,
            self.throttle,
            self.remembered,
            self.clock,
            lambda: 1_000_000 + self.clock.seconds(),
            b"n" * 32,
            lambda peer, login, result: self.outcomes.append(result),
        )


class ScramClient:
    """RFC 5802 §3, the client's half. header: the gs2 header; bound: the channel binding octets."""

    def __init__(self, login, password, header=b"n,,", bound=b"", nonce=b"client-nonce"):
        self.password = password.encode()
        self.header, self.bound, self.nonce = header, bound, nonce
        self.bare = b"n=%b,r=%b" % (login.replace("=", "=3D").replace(",", "=2C").encode(), nonce)
        self.verifier = b""

    def first(self):
        return self.header + self.bare

    def final(self, server_first):
        fields = dict(part.split(b"=", 1) for part in server_first.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(fields[b"s"]), int(fields[b"i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without = b"c=%b,r=%b" % (base64.b64encode(self.header + self.bound), fields[b"r"])
        message = b",".join((self.bare, server_first, without))
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self.verifier = b"v=" + base64.b64encode(hmac.digest(server_key, message, "sha256"))
        return without + b",p=" + base64.b64encode(proof)
