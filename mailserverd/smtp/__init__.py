"""SMTP, submission and LMTP: one engine for three doors.

Standing rules: server.py moves octets, times and TLS; session.py decides and never sees a transport; one command is in
flight, answers go out in order; 250 for a message is said after its copies are on disk; nothing of twisted.mail's own
receiving or dispatch is ever reached.
"""
