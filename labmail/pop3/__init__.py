"""POP3: taking mail home (RFC 1939), as a core without sockets.

``core``      `Pop3Core`, the session: bytes in, replies and events out
``states``    the machine as one table, and what may follow each command
``maildrop``  the messages as one session sees them: numbers, marks, the lock
``transfer``  a letter as it crosses the wire: dots, the last line, TOP
``sasl``      AUTH PLAIN taken apart
``secrets``   where a command line holds a password
``replies``   what a reply looks like
"""
