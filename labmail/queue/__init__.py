"""The queue: what a host has promised to deliver and has not yet got rid of.

``letter``    a letter in the queue, one copy for each recipient, and the states of a copy
``spool``     the folder that keeps the promise: two files for each letter, safe against ``kill -9``
``record``    the text of the second of these files, written and read back
``schedule``  when to try again, when to give up
``simulation``  what a schedule does to a million letters, without a letter
``outcome``   what one attempt did to each recipient, and what follows from it
``lanes``     so many conversations with one domain at a time, no more
``dsn``       the notification that tells a sender what became of the letter
``runner``    `MailQueue`, which puts these together
"""
