from mailserverd.wire.sasl.mechanisms import WITH_BINDING, WITHOUT_BINDING, mechanism_named


def channel(kind):
    return b""


def test_everything_that_is_offered_is_there():
    for name in WITH_BINDING:
        assert mechanism_named(name.lower(), channel, b"nonce") is not None
    for name in WITHOUT_BINDING:
        assert mechanism_named(name, None, b"nonce") is not None


def test_plus_needs_a_channel():
    assert mechanism_named("SCRAM-SHA-256-PLUS", None, b"nonce") is None


def test_unknown_names():
    assert mechanism_named("CRAM-MD5", channel, b"nonce") is None
