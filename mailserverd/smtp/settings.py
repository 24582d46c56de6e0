"""What one listener's sessions go by, read out of the configuration once and replaced whole at a reload.

Standing rule: a session looks at its factory's settings when it begins and keeps them to its end.
"""

from dataclasses import dataclass

from mailserverd.config.schema import Config
from mailserverd.config.values import Networks

SMTP, SUBMISSION, LMTP = "smtp", "submission", "lmtp"
"""The doors. "submissions" is a listener with the door "submission"."""


@dataclass(frozen=True, slots=True)
class Settings:
    """See config/schema.py; exempt_networks are those of [limits]."""

    listener: str
    door: str
    hostname: str
    max_message_bytes: int
    max_recipients: int
    max_bad_commands: int
    command_timeout_seconds: int
    data_timeout_seconds: int
    max_messages_per_minute: int
    stalled_client_seconds: int
    proxy_networks: Networks
    trusted_networks: Networks
    exempt_networks: Networks
    tls_from_start: bool


def settings_of(config: Config, listener: str) -> Settings:
    """listener: "smtp", "submission", "submissions" or "lmtp"."""
    door = SUBMISSION if listener == "submissions" else listener
    section = {SMTP: config.smtp, SUBMISSION: config.submission, LMTP: config.lmtp}[door]
    return Settings(
        listener=listener,
        door=door,
        hostname=config.server.hostname,
        max_message_bytes=section.max_message_bytes,
        max_recipients=section.max_recipients,
        max_bad_commands=section.max_bad_commands,
        command_timeout_seconds=section.command_timeout_seconds,
        data_timeout_seconds=section.data_timeout_seconds,
        max_messages_per_minute=section.max_messages_per_minute,
        stalled_client_seconds=config.limits.stalled_client_seconds,
        proxy_networks=Networks()
        if listener == "submissions"
        else getattr(section, "proxy_protocol_networks", Networks()),
        trusted_networks=getattr(section, "trusted_networks", Networks()),
        exempt_networks=config.limits.exempt_networks,
        tls_from_start=listener == "submissions",
    )
