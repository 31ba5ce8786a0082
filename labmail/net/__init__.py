"""The network of the lab: virtual addresses over real sockets, and the tap that records.

``addresses``   well-known ports and the names of services
``network``     (address, port) of the lab ↔ a real socket on 127.0.0.1
``faults``      what is planned to go wrong on the way: cuts, blocked ports, long ways
``connection``  one accepted connection: the tap under and above TLS, limits, hang-ups
``tls``         TLS on plain bytes
``transport``   what a server writes to
``hello``       what the two ends of TLS say in the clear before it begins
``foreign``     a program outside the lab gets an address in it
``limits``      what a server puts up with
``core``        what a protocol without I/O takes and gives
``driver``      runs such a protocol on a connection
``stdlib``      smtplib, poplib, imaplib and socket.create_connection reach the lab by name
``guard``       nothing the lab runs leaves this machine
"""
