"""Who vouches for a message: DKIM, ARC, SRS as bytes and values. Standing rule: no DNS, no clock, no random numbers."""
