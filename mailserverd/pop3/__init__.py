"""The POP3 server: server (Twisted's side) -> session (login, QUIT) -> transaction -> maildrop (one inbox).

Standing rules: one command in flight per connection, answers in order; a message is removed only by QUIT; the inbox
is locked for one session at a time; nothing of twisted.mail but the protocol's shell is reached.
"""
