"""No octets make a mechanism raise, and none but the right ones get in."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.sasl.base64_line import decode_initial, decode_response, encode_challenge
from mailserverd.wire.sasl.mechanisms import WITH_BINDING, mechanism_named
from mailserverd.wire.sasl.prepare import opaque_string, saslprep
from mailserverd.wire.sasl.scram import Scram, parse_client_final, parse_client_first
from mailserverd.wire.sasl.steps import Challenge, Failed, KeysWanted, PasswordGiven, Proven, ScramKeys

FEW = settings(max_examples=150, deadline=None)
KEYS = ScramKeys(b"salt", 4096, ((b"k" * 32, b"s" * 32),))
PIECES = st.sampled_from(
    [
        b"n",
        b"y",
        b"p=tls-exporter",
        b",",
        b"=",
        b"n=",
        b"r=",
        b"c=",
        b"p=",
        b"a=",
        b"m=",
        b"user",
        b"=2C",
        b"\0",
        b"biws",
        b"\xff",
    ]
)
OCTETS = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=20).map(b"".join))


@FEW
@given(st.sampled_from(WITH_BINDING), st.one_of(st.none(), OCTETS), st.lists(OCTETS, max_size=4))
def test_every_exchange_ends_or_asks(name, initial, responses):
    mechanism = mechanism_named(name, lambda kind: b"bound", b"nonce")
    step = mechanism.start(initial)
    for response in responses:
        if isinstance(step, KeysWanted):
            assert isinstance(mechanism, Scram)
            step = mechanism.keys(KEYS)
        if not isinstance(step, Challenge):
            break
        step = mechanism.step(response)
    assert isinstance(step, Challenge | KeysWanted | PasswordGiven | Failed)
    assert not isinstance(step, Proven)


@FEW
@given(OCTETS)
def test_parsers_give_a_value_or_failed(octets):
    for parse in (parse_client_first, parse_client_final):
        assert parse(octets) is not None
    for decode in (decode_response, decode_initial):
        assert isinstance(decode(octets), bytes | Failed)


@FEW
@given(st.binary(max_size=300))
def test_base64_round_trip(octets):
    assert decode_response(encode_challenge(octets)) == octets


@FEW
@given(st.one_of(st.text(max_size=40), st.binary(max_size=60)))
def test_preparing_is_idempotent(password):
    prepared = opaque_string(password)
    if prepared is not None:
        assert opaque_string(prepared) == prepared
        again = saslprep(prepared)
        assert again is None or saslprep(again) in (again, None)


@FEW
@given(
    st.text(min_size=1, max_size=20),
    st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","), min_size=1),
)
def test_names_survive_the_first_message(login, nonce):
    name = login.encode("utf-8", "surrogatepass")
    first = parse_client_first(b"n,,n=%b,r=%b" % (name.replace(b"=", b"=3D").replace(b",", b"=2C"), nonce.encode()))
    if isinstance(first, Failed):
        assert "\0" in login or any(0xD800 <= ord(char) <= 0xDFFF for char in login)
    else:
        assert first.login == login
