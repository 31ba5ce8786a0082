"""What each command does, in files by the state it needs (RFC 3501 §6).

``any``      CAPABILITY, NOOP, LOGOUT                        §6.1
``nonauth``  STARTTLS, AUTHENTICATE, LOGIN                   §6.2
``auth``     SELECT … APPEND: one needs to be somebody       §6.3
``select``   CHECK … COPY: a mailbox must be open            §6.4
``handler``  the shape they all have

Each file has a table `COMMANDS` of verbs and handlers.  A handler is given the session
and the decoder standing behind the verb; it reads its arguments to the end, then acts,
says what is untagged, and returns its `Answer`.  It raises `NotGrammar` for BAD,
`Refusal` or `MailboxError` for NO.
"""
