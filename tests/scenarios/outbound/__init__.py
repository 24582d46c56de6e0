"""Mail that leaves: the real process, a nameserver on loopback, other servers that do as they are told."""
