"""Mail to the next hop over SMTP and LMTP: what `queue` knows as a MailTransport."""
