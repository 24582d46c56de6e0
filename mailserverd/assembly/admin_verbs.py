"""The verbs of an administrator by name: what the admin socket and, while the server is down, the command line call.

Standing rules: arguments are checked against the verb's own signature before it runs; whatever goes wrong becomes
one line; a verb that fails for a reason of ours is logged with its traceback and never ends the server.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_type_hints

import msgspec
from twisted.logger import Logger

from mailserverd.accounts.account_verbs import AccountVerbs
from mailserverd.accounts.administration import Administration, VerbRefused
from mailserverd.accounts.alias_verbs import AliasVerbs
from mailserverd.accounts.directory_verbs import DirectoryVerbs
from mailserverd.accounts.domain_verbs import DomainVerbs
from mailserverd.accounts.secret_verbs import SecretVerbs
from mailserverd.model.errors import StoreError

log = Logger()
Handler = Callable[..., Awaitable[object]]
"""An async function with annotated arguments that gives a JSON value."""


class AdminVerbs:
    """register() what there is, then call() by name."""

    def __init__(self) -> None:
        self._verbs: dict[str, tuple[Handler, type[msgspec.Struct]]] = {}

    def register(self, name: str, handler: Handler) -> None:
        """name: as on the command line, "account add". Arguments come by name, checked against the annotations."""
        self._verbs[name] = handler, _arguments_of(name, handler)

    def registered(self, name: str) -> Handler:
        """For a verb that adds to another."""
        return self._verbs[name][0]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> object:
        """Raises VerbRefused, with one line for the administrator, and nothing else."""
        found = self._verbs.get(name)
        if found is None:
            raise VerbRefused(f"no such verb: {name}")
        handler, shape = found
        try:
            checked = msgspec.convert(arguments, shape)
        except msgspec.ValidationError as error:
            raise VerbRefused(f"{name}: {error}") from error
        try:
            return await handler(**msgspec.structs.asdict(checked))
        except VerbRefused:
            raise
        except StoreError as error:
            raise VerbRefused(str(error)) from error
        except Exception as error:
            log.failure("verb {verb} failed", verb=name)
            raise VerbRefused(f"{name} failed: {type(error).__name__}; the log says where") from error


def _arguments_of(name: str, handler: Handler) -> type[msgspec.Struct]:
    hints = get_type_hints(handler)
    fields: list[Any] = []
    for parameter in inspect.signature(handler).parameters.values():
        hint = hints[parameter.name]
        if parameter.default is inspect.Parameter.empty:
            fields.append((parameter.name, hint))
        else:
            fields.append((parameter.name, hint, parameter.default))
    return msgspec.defstruct(name.title().replace(" ", ""), fields, forbid_unknown_fields=True, kw_only=True)


def directory_verbs(administration: Administration) -> AdminVerbs:
    """The verbs on domains, accounts, aliases and the directory as a whole."""
    verbs = AdminVerbs()
    domains, accounts, aliases = (
        DomainVerbs(administration),
        AccountVerbs(administration),
        AliasVerbs(administration),
    )
    secrets, whole = SecretVerbs(administration), DirectoryVerbs(administration)
    for name, group in (("domain", domains), ("account", accounts), ("alias", aliases)):
        for verb in ("add", "list", "show", "set", "remove"):
            verbs.register(f"{name} {verb}", getattr(group, verb))
    verbs.register("account password", secrets.password)
    verbs.register("account app-password add", secrets.app_password_add)
    verbs.register("account app-password list", secrets.app_password_list)
    verbs.register("account app-password remove", secrets.app_password_remove)
    verbs.register("account apop-secret", secrets.apop_secret)
    verbs.register("directory export", whole.export)
    verbs.register("directory apply", whole.apply)
    return verbs
