"""mailserverd: a complete mail server in one twistd process.

The floors, top to bottom; imports run downwards only (import-linter holds this, see setup.cfg):

    cli | tap                                   the `mailserverd` command; the twistd plugin
    assembly                                    builds everything, then connects everything; names the backends
    smtp | imap | pop3 | web                    protocol servers: bytes in, values down, bytes out
    delivery                                    from "a message arrived" to "it is in these mailboxes"
    queue | accounts | mailstore | backends     rules of sending, of logging in, of mailboxes; the engines below them;
      | connection                              what protocol servers share of a client's connection
    interfaces | wire                           the seams (one Protocol a file); bytes <-> values, pure
    config | telemetry                          what the admin says; what the server says
    model                                       values, standard library only

Mail comes in:   smtp/server -> wire/smtp -> smtp/session -> delivery/spool -> delivery/inbound
                 -> wire/mime (one scan) -> mailstore/append -> one commit -> 250 -> event -> IDLE
Mail goes out:   smtp/session -> delivery/inbound -> queue/submit -> one commit -> 250 -> queue/scheduler
                 -> queue/destination -> queue/routing (DNS) -> smtp/sending -> settled in one commit -> report
Mail is read:    imap/server -> wire/imap -> imap/commands -> mailstore/read -> pages of wire-ready rows -> socket
"""
