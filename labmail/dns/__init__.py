"""Names: zones as files, a server that knows them, a resolver that remembers.

``masterfile``  reads the master file format, line by line, and says what is wrong where
``zone``        one zone in memory, and the rule that finds an answer in it
``slips``       slips of the pen: what can be served, and is hardly what was meant
``wire``        a message is looked over before it is read
``server``      the authoritative server: bytes in, bytes out
``desk``        where zones are edited, loaded anew and removed
``transport``   the server on asyncio: datagrams, and messages with a length in front
``answers``     what a lookup ends with: `Answer` and its `Status`
``reply``       what a server's reply teaches: facts, positive and negative
``cache``       facts kept until their time to live is over, in lab time
``resolver``    asks, checks, follows aliases, remembers

dnspython is used in this package and nowhere else: it knows the wire format and
the record types.  Its own resolver is not used, because that would read the
machine's settings and ask the world outside.
"""
