"""RFC 5802 and RFC 7677, with the example of RFC 7677 §3."""

import base64
import hashlib

import pytest

from mailserverd.wire.sasl.scram import Scram, derive_keys, parse_client_final, parse_client_first
from mailserverd.wire.sasl.steps import Challenge, Failed, Fault, KeysWanted, Proven, ScramKeys
from tests.accounts.doubles import ScramClient

SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
KEYS = ScramKeys(SALT, 4096, (derive_keys(b"pencil", SALT, 4096),))
SERVER_NONCE = b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
FINAL = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="


def scram(plus=False, channel=None):
    return Scram(plus=plus, channel=channel, nonce=SERVER_NONCE)


def finished(mechanism, client, keys=KEYS):
    """Everything up to the answer to the client's proof."""
    assert isinstance(mechanism.start(client.first()), KeysWanted)
    return mechanism.step(client.final(mechanism.keys(keys).octets))


def test_the_example_of_rfc_7677():
    mechanism = scram()
    assert mechanism.start(None) == Challenge(b"")
    assert mechanism.step(FIRST) == KeysWanted("user")
    first = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert mechanism.keys(KEYS) == Challenge(first)
    assert mechanism.step(FINAL) == Challenge(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert mechanism.step(b"") == Proven("user", "", 0)


def test_wrong_password_is_refused():
    assert finished(scram(), ScramClient("user", "pen")).fault is Fault.REFUSED


def test_a_proof_is_tried_against_every_secret():
    pairs = (derive_keys(b"main", SALT, 4096), derive_keys(b"phone", SALT, 4096))
    mechanism, client = scram(), ScramClient("user", "phone")
    assert finished(mechanism, client, ScramKeys(SALT, 4096, pairs)) == Challenge(client.verifier)
    assert mechanism.step(b"").key == 1


def test_names_are_unescaped_and_the_identity_kept():
    mechanism = scram()
    assert mechanism.start(b"n,a=o=3Dther,n=us=2Cer,r=x") == KeysWanted("us,er")
    first = parse_client_first(b"n,a=o=3Dther,n=us=2Cer,r=x")
    assert (first.authorize_as, first.header, first.bare) == ("o=ther", b"n,a=o=3Dther,", b"n=us=2Cer,r=x")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n",
        b"n,,",
        b"n,,n=user",
        b"n,,n=,r=x",
        b"n,,n=user,r=",
        b"n,,n=us=er,r=x",
        b"n,,n=us=2cer,r=x",
        b"n,,n=\xff,r=x",
        b"n,x,n=user,r=x",
        b"n,a=,n=user,r=x",
        b"q,,n=user,r=x",
        b"p=,,n=user,r=x",
        b"n,,m=ext,n=user,r=x",
        b"n,,n=user,r=a b",
        b"n,,n=user,r=" + b"x" * 513,
        b"n,,r=x,n=user",
        b"n,,n=a\x00b,r=x",
    ],
)
def test_malformed_first_messages(message):
    assert scram().start(message).fault is Fault.MALFORMED


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"c=biws",
        b"c=biws,r=x",
        b"c=biws,r=x,p=",
        b"c=biws,r=x,p=YQ==",
        b"c=b!,r=x,p=" + b"A" * 43 + b"=",
        b"r=x,c=biws,p=" + b"A" * 43 + b"=",
        b"c=biws,x=r,p=" + b"A" * 43 + b"=",
    ],
)
def test_malformed_final_messages(message):
    assert isinstance(parse_client_final(message), Failed)


def test_another_nonce_is_refused():
    mechanism = scram()
    mechanism.start(FIRST)
    mechanism.keys(KEYS)
    assert mechanism.step(FINAL.replace(b"r=rO", b"r=rX")).fault is Fault.REFUSED


def test_another_header_than_was_sent_is_refused():
    mechanism, client = scram(), ScramClient("user", "pencil")
    assert isinstance(mechanism.start(client.first()), KeysWanted)
    client.header = b"y,,"
    assert mechanism.step(client.final(mechanism.keys(KEYS).octets)).fault is Fault.REFUSED


def test_after_the_servers_proof_nothing_but_an_empty_answer():
    mechanism = scram()
    mechanism.start(FIRST)
    mechanism.keys(KEYS)
    mechanism.step(FINAL)
    assert mechanism.step(b"x").fault is Fault.MALFORMED


# Channel binding

BOUND = hashlib.sha256(b"the channel").digest()


def channel(kind):
    return BOUND if kind == "tls-exporter" else None


def test_plus_binds_to_the_channel():
    mechanism = scram(plus=True, channel=channel)
    client = ScramClient("user", "pencil", b"p=tls-exporter,,", BOUND)
    assert finished(mechanism, client) == Challenge(client.verifier)
    assert isinstance(mechanism.step(b""), Proven)


def test_another_channel_is_refused():
    client = ScramClient("user", "pencil", b"p=tls-exporter,,", b"another channel")
    assert finished(scram(plus=True, channel=channel), client).fault is Fault.REFUSED


def test_a_binding_that_the_channel_does_not_have_is_refused():
    client = ScramClient("user", "pencil", b"p=tls-server-end-point,,", b"")
    assert finished(scram(plus=True, channel=channel), client).fault is Fault.REFUSED


def test_unknown_binding_types_are_refused():
    assert scram(plus=True, channel=channel).start(b"p=tls-unheard-of,,n=user,r=x").fault is Fault.REFUSED


@pytest.mark.parametrize(("plus", "flag"), [(False, b"p=tls-exporter"), (True, b"n"), (True, b"y")])
def test_flag_and_mechanism_must_fit(plus, flag):
    assert scram(plus=plus, channel=channel).start(flag + b",,n=user,r=x").fault is Fault.REFUSED


def test_a_client_that_was_lied_to_about_binding_is_refused():
    """RFC 5802 §6: "y" means that it saw no -PLUS, and we did offer it."""
    assert scram(channel=channel).start(b"y,,n=user,r=x").fault is Fault.REFUSED
    assert isinstance(scram(channel=None).start(b"y,,n=user,r=x"), KeysWanted)
