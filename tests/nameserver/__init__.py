"""DNS for tests: zone data, a Resolver over it, and a nameserver on loopback that serves it."""
