"""POP3 octets (RFC 1939, 2449, 5034, 6856), sans I/O: lines to commands, messages to replies.

Standing rules: a command line is bounded; nothing is decoded here but numbers; a message is stuffed whole, in one
replace, wherever it is whole in memory.
"""
