"""Outbound: from "this message is for somebody elsewhere" to "it is there", or to why it is not."""
