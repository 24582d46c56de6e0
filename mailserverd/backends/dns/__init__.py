"""The DNS: dnspython's messages over Twisted's UDP and TCP. Nothing blocks; a dead nameserver costs a timer."""
