"""From "a message arrived" to "it is in these mailboxes".

Standing rules: nothing is answered before it is durable; a message is scanned once, however many recipients it has;
once one copy is committed no other copy's failure reaches the sender as a failure of the message (pending.py);
every event of a message carries its queue id.
"""
