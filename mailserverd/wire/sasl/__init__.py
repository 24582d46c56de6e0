"""SASL on the server's side, sans I/O: octets that the client sent in, one Step out.

Standing rules: a mechanism is a small state machine for one exchange and is thrown away with it; it never looks up
an account (it asks with PasswordGiven or KeysWanted); it never raises on what a client sends (it answers Failed);
every octet string from the client is bounded before it is looked at. base64 is in base64_line.py, apart.
"""
