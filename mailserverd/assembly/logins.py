"""Who may come in: the Authenticator with its threads, its throttle, its memory, and those who hear of its outcomes.

Standing rule: every login and every failure is counted and logged, with the session, never with a secret.
"""

from __future__ import annotations

import os
from time import time
from typing import Any

from twisted.logger import Logger

from mailserverd.accounts.authenticator import Authenticator
from mailserverd.accounts.hashing_pool import HashingPool
from mailserverd.accounts.login import Login, LoginFailure, Peer
from mailserverd.accounts.login_throttle import LoginThrottle
from mailserverd.accounts.remembered_passwords import RememberedPasswords
from mailserverd.assembly.embedded import Backends
from mailserverd.config.schema import Config
from mailserverd.telemetry.metrics import Metrics

log = Logger()


class Logins:
    """The part that holds the Authenticator and its threads."""

    name = "logins"

    def __init__(self, backends: Backends, config: Config, metrics: Metrics, reactor: Any, nobody_key: bytes) -> None:
        self._metrics = metrics
        self.pool = HashingPool(reactor, config.login.hash_threads or os.cpu_count() or 1)
        self._throttle = LoginThrottle(reactor.seconds)
        self._remembered = RememberedPasswords(reactor.seconds, config.login.remember_seconds)
        self.authenticator = Authenticator(
            backends.directory, self.pool, self._throttle, self._remembered, reactor, time, nobody_key, self._outcome
        )
        self.reload(config)

    def reload(self, config: Config) -> None:
        login = config.login
        self.authenticator.insecure_networks = login.insecure_login_networks
        self.authenticator.channel_binding = login.channel_binding
        self._throttle.configure(
            login.throttle_base_milliseconds / 1000,
            login.throttle_max_milliseconds / 1000,
            login.throttle_forget_seconds,
            config.limits.exempt_networks,
        )
        self._remembered.keep_seconds = login.remember_seconds

    async def start(self) -> None:
        self.pool.start()

    async def stop(self) -> None:
        self.pool.stop()

    def _outcome(self, peer: Peer, name: str, result: Login | LoginFailure) -> None:
        if isinstance(result, Login):
            self._metrics.logins[peer.protocol, "ok"].value += 1
            log.info(
                "logged in",
                session=peer.session,
                protocol=peer.protocol,
                address=peer.address,
                account=result.account.address,
                mechanism=result.mechanism,
                app=result.label,
            )
        else:
            self._metrics.logins[peer.protocol, "failed"].value += 1
            log.info(
                "login failed",
                session=peer.session,
                protocol=peer.protocol,
                address=peer.address,
                name=name,
                refusal=result.refusal.name,
                why=result.why,
            )
