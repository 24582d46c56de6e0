import pytest

from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.wire.smtp.client.outcome import outcome_of
from mailserverd.wire.smtp.client.reply import Reply


@pytest.mark.parametrize(
    ("code", "text", "outcome"),
    [
        (250, b"2.0.0 queued", Delivered("mx")),
        (251, b"will forward", Delivered("mx")),
        (450, b"4.2.1 busy", TryLater("4.2.1", "450 4.2.1 busy")),
        (421, b"bye", TryLater("4.0.0", "421 bye")),
        (550, b"5.1.1 no", Refused("5.1.1", "550 5.1.1 no")),
        (554, b"no", Refused("5.0.0", "554 no")),
        (550, b"4.2.2 contradicts itself", Refused("5.0.0", "550 4.2.2 contradicts itself")),
        (552, b"5.2.2 full", Refused("5.2.2", "552 5.2.2 full")),
        (552, b"5.5.3 too many recipients", TryLater("4.5.3", "552 5.5.3 too many recipients")),
        (354, b"go", TryLater("4.5.0", "unexpected reply: 354 go")),
    ],
)
def test_what_a_reply_means(code: int, text: bytes, outcome: Outcome) -> None:
    assert outcome_of(Reply(code, (text,)), "mx") == outcome
