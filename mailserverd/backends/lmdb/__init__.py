"""The embedded store: one LMDB environment, one writer thread, records packed for reading.

The first octet of a key says whose it is:

    A <account id, 8 octets> ...   the mail of one account (see keys.py)
    D ...                          the directory (see directory_records.py)
    P ...                          pending deliveries
    F ...                          format record, epoch, the UIDVALIDITY clock
    J <account id, 8 octets>       index journal: the MODSEQ of the account's newest add or expunge

Standing rules: lmdb is imported in environment.py alone; every write goes through writer.py; no read transaction
outlives the call that opened it; numbers in keys are big-endian, so that keys sort as the numbers do.
"""
