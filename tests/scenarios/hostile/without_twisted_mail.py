"""twistd, with every method of twisted.mail's servers and of Twisted's line engines made to raise.

    python -m tests.scenarios.hostile.without_twisted_mail -n mailserverd --config FILE

Standing rule: what is reached says so on standard error whether or not somebody catches what it raises; constructors
are left alone, for they take no octets.
"""

import os
import types
from typing import Any, NoReturn

from twisted.mail import imap4, pop3, smtp
from twisted.protocols import basic
from twisted.scripts.twistd import run

REACHED = "REACHED twisted.mail:"
STOCK = (
    smtp.SMTP,
    smtp.ESMTP,
    imap4.IMAP4Server,
    pop3.POP3,
    basic.LineReceiver,
    basic.LineOnlyReceiver,
    basic._PauseableMixin,
)


def _raising(name: str) -> Any:
    def reached(*arguments: object, **named: object) -> NoReturn:
        os.write(2, f"{REACHED} {name}\n".encode())
        raise AssertionError(f"{name} was reached")

    return reached


def disarm() -> list[str]:
    """The names of what raises now."""
    names = []
    for cls in STOCK:
        for name, value in list(vars(cls).items()):
            if isinstance(value, types.FunctionType) and name != "__init__":
                setattr(cls, name, _raising(f"{cls.__name__}.{name}"))
                names.append(f"{cls.__name__}.{name}")
    return names


if __name__ == "__main__":
    disarm()
    run()
