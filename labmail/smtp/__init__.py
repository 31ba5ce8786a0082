"""SMTP: the two servers, the client that relays, and the rules that choose where to.

What is said, by whom:

``states``        the state machine of a session, as one table
``replies``       everything a server of the lab ever answers
``commands``      how a line is cut into verb and argument
``paths``         addresses as they stand in commands
``arguments``     the rules for a line and its path, with the reply to what is wrong
``parameters``    what may follow them: SIZE, BODY, NOTIFY and the like
``dotreader``     where DATA ends, and where it does not
``lenient``       a weakness for lessons: servers that take LF for a line end
``dialog``        listens to both sides and reports commands, replies and letters

The server:

``intake``        what the client has sent and nobody has read yet
``sasl``          AUTH PLAIN and AUTH LOGIN
``faults``        what a host does wrong because somebody planned it
``post``          what a server needs of its host
``server``        `MailServer`, on aiosmtpd: submission and exchange
``transaction``   the envelope as it grows, MAIL and RCPT by RCPT
``content``       what must be true of a letter before it is taken
``submission``    what a submission server adds to a letter
``trace_fields``  Received and Return-Path; what others forged is taken off

At the counter, in place of the server:

``counter``       a person answers, reply by reply
``judging``       whether those answers were fit

The client:

``route``         from a domain to its mail hosts: the MX rules
``relay``         hands one letter to one next hop
"""
