"""The PROXY protocol, versions 1 and 2, as a load balancer puts it before a connection (haproxy's proxy-protocol.txt).

Standing rules: no I/O; what is not a complete and right header is refused, never guessed at; a header is bounded.
"""
