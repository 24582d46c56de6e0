import pytest
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from twisted.mail.interfaces import IMailboxPOP3
from zope.interface import Interface

from mailserverd.accounts.portal import portal
from tests.accounts.doubles import OVER_TLS, PASSWORD, Logins, directory_with


def entered(password, interface):
    stage = Logins(directory_with("anna@example.org"))
    left = []
    factories = {IMailboxPOP3: lambda login: (login.account.address, lambda: left.append(login))}
    door = portal(stage.authenticator, OVER_TLS, factories)
    done: Deferred = door.login(UsernamePassword(b"anna", password), None, interface)
    stage.clock.advance(1)
    return done, left


def test_avatar_and_logout():
    done, left = entered(PASSWORD.encode(), IMailboxPOP3)
    interface, avatar, logout = done.result
    assert (interface, avatar) == (IMailboxPOP3, "anna@example.org")
    logout()
    assert len(left) == 1


@pytest.mark.parametrize(("password", "interface"), [(b"wrong", IMailboxPOP3), (PASSWORD.encode(), Interface)])
def test_refused(password, interface):
    done, _ = entered(password, interface)
    done.addErrback(lambda failure: failure.trap(UnauthorizedLogin))
    assert done.result is UnauthorizedLogin
