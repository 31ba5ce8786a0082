"""Where letters come to rest: mailboxes as Maildir files with an index beside them.

``store``     `MailStore`, all accounts of a host; start reading here
``account``   one person's mailboxes: create, rename, delete, subscribe, the maildrop lock
``mailbox``   one mailbox: deliver, append, flags, copy, expunge, watch
``shelf``     where its messages stand: files and index, kept in step
``model``     the values that are handed out: `Message`, `Change`, `MailboxInfo`
``maildir``   the files: tmp, new, cur, and what a file name says
``reconcile`` files and index brought into agreement, after a crash or a hand at work
``index``     SQLite beside the files: UIDs, flags, sizes, changes
``meta``      the small JSON files that name an account and a mailbox
``flags``     flags, keywords and their letters in file names
``names``     which mailbox names there may be
``errors``    what can go wrong
"""
