"""IP packets: the envelopes in which bytes cross a network.

Mail programs hand bytes to TCP, and DNS hands questions to UDP; both are put into IP packets.
Each layer writes a header before what it was given::

    ┌ IP: from which host, to which ┬ TCP: which port, which place in the stream ┬ bytes ┐

The functions here write these headers octet by octet.
"""

from __future__ import annotations

import ipaddress
import struct
from enum import IntFlag

from labmail.trace.events import Place

TCP, UDP = 6, 17
MTU = 1500
"""Octets of the largest packet that crosses an Ethernet in one piece."""
TCP_HEADER = 20
WINDOW = 65535
_HOPS = 64  # RFC 1700: how many routers may pass the packet on
_DO_NOT_FRAGMENT = 0x4000


class Flag(IntFlag):
    """What a TCP segment means, beside the bytes in it (RFC 9293 §3.1)."""

    FIN = 1
    SYN = 2
    RST = 4
    PSH = 8
    ACK = 16


def tcp(source: Place, target: Place, flags: Flag, seq: int, ack: int, data: bytes = b"") -> bytes:
    """One TCP segment in its packet: `seq` is the place of its first byte, `ack` the place of
    the byte that the sender waits for next (RFC 9293 §3.1)."""
    options = _maximum_segment_size(source, target) if Flag.SYN in flags else b""
    words = (TCP_HEADER + len(options)) // 4
    window = 0 if Flag.RST in flags else WINDOW
    header = struct.pack(
        ">HHIIBBHHH", source.port, target.port, seq, ack, words << 4, flags, window, 0, 0
    )
    return _ip(source, target, TCP, header + options + data, checksum_at=16)


def udp(source: Place, target: Place, data: bytes) -> bytes:
    """One UDP datagram in its packet (RFC 768)."""
    header = struct.pack(">HHHH", source.port, target.port, 8 + len(data), 0)
    return _ip(source, target, UDP, header + data, checksum_at=6)


def segment_size(source: Place, target: Place) -> int:
    """How many bytes one segment between these two carries at most (RFC 9293 §3.7.1)."""
    return MTU - (20 if _version(source, target) == 4 else 40) - TCP_HEADER


def checksum(data: bytes) -> int:
    """The sum of all 16-bit words, in ones' complement (RFC 1071 §1).  Over data that holds its
    own checksum the result is 0."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _maximum_segment_size(source: Place, target: Place) -> bytes:
    return struct.pack(">BBH", 2, 4, segment_size(source, target))


def _ip(source: Place, target: Place, protocol: int, payload: bytes, checksum_at: int) -> bytes:
    """The packet; the checksum of what is in it covers the two addresses as well."""
    version = _version(source, target)
    addresses = _packed(source, version) + _packed(target, version)
    pseudo = addresses + struct.pack(">II", len(payload), protocol)  # RFC 8200 §8.1
    total = checksum(pseudo + payload)
    if protocol == UDP and total == 0:
        total = 0xFFFF  # RFC 768: the same in ones' complement, for zero means that there is none
    payload = payload[:checksum_at] + struct.pack(">H", total) + payload[checksum_at + 2 :]
    if version == 6:
        return struct.pack(">IHBB", 6 << 28, len(payload), protocol, _HOPS) + addresses + payload
    return _ipv4_header(protocol, len(payload), addresses) + payload


def _ipv4_header(protocol: int, size: int, addresses: bytes) -> bytes:
    """RFC 791 §3.1.  A packet that is never cut up needs no number (RFC 6864 §4.1)."""
    number = 0
    fields = (0x45, 0, 20 + size, number, _DO_NOT_FRAGMENT, _HOPS, protocol)
    total = checksum(struct.pack(">BBHHHBBH", *fields, 0) + addresses)
    return struct.pack(">BBHHHBBH", *fields, total) + addresses


def _version(source: Place, target: Place) -> int:
    return max(ipaddress.ip_address(place.ip).version for place in (source, target))


def _packed(place: Place, version: int) -> bytes:
    """The address as octets.  Where the other side has an IPv6 address only, one of IPv4 is
    written as translators between the two write it (RFC 6052 §2.1)."""
    ip = ipaddress.ip_address(place.ip)
    translated = version == 6 and ip.version == 4
    return ipaddress.ip_address("64:ff9b::").packed[:12] + ip.packed if translated else ip.packed
