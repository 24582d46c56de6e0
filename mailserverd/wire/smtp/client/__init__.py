"""SMTP and LMTP from the sending side: replies to values, values to commands, messages to their wire form."""
