from mailserverd.wire.mime.scan import scan

AUTHOR = b'((NIL NIL "a" "b"))'


def envelope(header: bytes) -> bytes:
    return scan(header.replace(b"\n", b"\r\n") + b"\r\n").envelope


def test_everything() -> None:
    assert (
        envelope(
            b"Date: Fri, 21 Nov 1997 09:55:06 -0600\nSubject: s\nFrom: F <f@x>\nSender: S <s@x>\nReply-To: r@x\n"
            b"To: t@x\nCc: c@x, d@x\nBcc: b@x\nIn-Reply-To: <i@x>\nMessage-ID: <m@x>\n"
        )
        == b'("Fri, 21 Nov 1997 09:55:06 -0600" "s" (("F" NIL "f" "x")) (("S" NIL "s" "x")) ((NIL NIL "r" "x"))'
        b' ((NIL NIL "t" "x")) ((NIL NIL "c" "x")(NIL NIL "d" "x")) ((NIL NIL "b" "x")) "<i@x>" "<m@x>")'
    )


def test_nothing() -> None:
    assert envelope(b"") == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"
    assert scan(b"").envelope == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_sender_and_reply_to_are_the_author_where_absent_or_empty() -> None:
    expected = b"(NIL NIL %b %b %b NIL NIL NIL NIL NIL)" % (AUTHOR, AUTHOR, AUTHOR)
    assert envelope(b"From: a@b\n") == envelope(b"From: a@b\nSender:\nReply-To: \n") == expected


def test_fields_that_are_there_but_empty_are_the_empty_string() -> None:
    # RFC 9051 §7.5.2: absent is NIL, present but empty is the empty string
    assert envelope(b"Date:\nSubject: \nIn-Reply-To:\nMessage-ID:\n") == b'("" "" NIL NIL NIL NIL NIL NIL "" "")'


def test_quotes_backslashes_and_folds() -> None:
    assert b' "a \\"b\\" \\\\c\td" ' in envelope(b'Subject: a "b" \\c\n\td\n')


def test_8_bit_nul_and_bare_cr_go_as_literals() -> None:
    assert b" {4}\r\ncaf\xe9 " in envelope(b"Subject: caf\xe9\n")
    assert b" {3}\r\na\x00b " in envelope(b"Subject: a\x00b\n")
    assert b" {3}\r\na\rb " in envelope(b"Subject: a\rb\n")


def test_encoded_words_are_sent_as_they_are() -> None:
    assert b' "=?utf-8?q?=C3=BC?=" ' in envelope(b"Subject: =?utf-8?q?=C3=BC?=\n")


def test_names_in_any_case_and_with_space_before_the_colon() -> None:
    assert envelope(b"FROM : a@b\n") == envelope(b"From: a@b\n")
