"""Records of the DNS as they stand in a zone file. Standing rule: nothing is asked here."""
