"""What the protocol servers share about a client's connection, below all of them."""
