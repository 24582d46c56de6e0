"""What a server of one process needs no product for: its event bus and its leases."""
