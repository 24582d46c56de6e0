"""Who may log in, and what an administrator may do to accounts.

Standing rules: protocols ask the Authenticator and nobody else; a password leaves this room only as a hash; nothing
that an outsider can measure tells an account that exists from one that does not.
"""
