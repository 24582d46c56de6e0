"""TLS reports (RFC 8460): the record that asks for them, and the report."""
