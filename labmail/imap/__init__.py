"""The IMAP4rev1 server (RFC 3501): mail that stays on the server and is read from everywhere.

A core without I/O: bytes in, outputs out (`labmail.net.core`).  The files, in the
order in which a command passes through them:

``states``      the four states of a session and what each command does to them: one table
``framer``      bytes → one complete command, literals included; every limit on input
``masking``     which bytes of a command are a password
``grammar``     what a command may say: a decoder with one method per grammar element
``sequences``   ``1:4,7,*``: sets of messages
``dates``       ``17-Jul-1996 02:44:25 -0700``
``utf7``        mailbox names on the wire: modified UTF-7
``commands/``   what each command does, one file per state it needs
``session``     what the server knows of one client
``selected``    one client's view of one mailbox: sequence numbers, and what it has not been told
``listing``     LIST and LSUB: wildcards, and names that only exist because their children do
``fetch``       FETCH: data items, as asked for and as answered
``opened``      one message as FETCH and SEARCH look at it: read only when it must be
``sections``    ``BODY[1.2.HEADER]``: the address of a piece of a message
``addresses``   ``Minh <minh@saigon.example>``: address lists
``envelope``    ENVELOPE
``structure``   BODY and BODYSTRUCTURE
``search``      SEARCH: keys as predicates
``text``        what a message says, decoded: where SEARCH looks for words
``response``    how the server writes: quoted strings, literals, NIL, status responses
``core``        `ImapCore`, which puts these together

An extension adds: a command to the table of its file in ``commands/`` and to
``states``, an item to `fetch.ITEMS`, a key to `search.KEYS`, a name to
`session.capabilities`.
"""
