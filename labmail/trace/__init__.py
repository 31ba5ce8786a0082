"""What happened: the events of the world, in one ordered list.

``events``    the vocabulary, frozen dataclasses in three levels (wire, talk, post)
``parcel``    a letter under way: envelope, untouched bytes, number
``recorder``  the list itself, and `Trace`, a stretch of it
``snapshots`` how things stood at one moment: a mailbox, a queue, a letter at a hop
``letters``   a letter as it was at one hop, from the bytes of the trace
``queues``    a queue as it was at any lab time, letter by letter
``capture``   the trace as a packet sniffer would have caught it, for Wireshark
``packets``   the headers of IP, TCP and UDP
``pcapng``    the file format in which packets are kept
"""
