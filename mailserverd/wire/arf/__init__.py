"""Feedback reports (ARF, RFC 5965): what a provider says about mail of ours that its users complained of."""
