"""pcapng: the file in which packet sniffers keep what they caught.

A file is a row of blocks.  Each says what it is and how long, before and after its body, so
that a reader can step over what it does not know, forwards and backwards.  Five kinds are
enough here:

    section     what follows was written by one program, in this order of octets
    interface   where packets were caught, and what their first octet begins
    names       who has which address
    secrets     the keys of TLS sessions, so that they can be read
    packet      one packet: when, and its octets; perhaps a remark

The format: draft-ietf-opsawg-pcapng.  The functions make blocks; a file is their sum.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping

RAW_IP = 101  # LINKTYPE_RAW: a packet begins with its IPv4 or IPv6 header, there is no Ethernet
TLS_KEY_LOG = 0x544C534B  # "TLSK"

SECTION, INTERFACE, NAMES, PACKET, SECRETS = 0x0A0D0D0A, 1, 4, 6, 10
_BYTE_ORDER = 0x1A2B3C4D
_LENGTH_UNKNOWN = 0xFFFFFFFFFFFFFFFF
_COMMENT, _APPLICATION, _NAME = 1, 4, 2
_IPV4_NAME, _IPV6_NAME = 1, 2


def section(application: str) -> bytes:
    """The first block: its magic number tells the reader the order of octets (§4.1)."""
    version = (1, 0)
    head = struct.pack("<IHHQ", _BYTE_ORDER, *version, _LENGTH_UNKNOWN)
    return _block(SECTION, head + _options({_APPLICATION: application}))


def interface(name: str) -> bytes:
    """Where packets were caught; their times are in microseconds, as no option says otherwise
    (§4.2)."""
    whole_packets = 0
    head = struct.pack("<HHI", RAW_IP, 0, whole_packets)
    return _block(INTERFACE, head + _options({_NAME: name}))


def names(hosts: Mapping[str, str]) -> bytes:
    """Who has which address: {address: name} (§4.5)."""
    records = b""
    for address, name in hosts.items():
        ip = ipaddress.ip_address(address)
        kind = _IPV4_NAME if ip.version == 4 else _IPV6_NAME
        records += _counted(kind, ip.packed + name.encode() + b"\0")
    return _block(NAMES, records + _counted(0, b""))


def secrets(key_log: str) -> bytes:
    """Keys of TLS sessions; they must stand before the packets that they open (§4.8)."""
    data = key_log.encode("ascii")
    return _block(SECRETS, struct.pack("<II", TLS_KEY_LOG, len(data)) + _padded(data))


def packet(microseconds: int, data: bytes, comment: str = "") -> bytes:
    """One packet, caught so long after 1970-01-01 (§4.3)."""
    high, low = divmod(microseconds, 1 << 32)
    head = struct.pack("<IIIII", 0, high, low, len(data), len(data))
    return _block(PACKET, head + _padded(data) + _options({_COMMENT: comment}))


def _block(kind: int, body: bytes) -> bytes:
    """Kind, length, body, and the length again (§3.1)."""
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def _options(values: Mapping[int, str]) -> bytes:
    """Remarks at the end of a block; where there are none, nothing (§3.5)."""
    listed = b"".join(_counted(code, text.encode()) for code, text in values.items() if text)
    return listed + _counted(0, b"") if listed else b""


def _counted(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    """Everything begins at a multiple of four octets."""
    return data + bytes(-len(data) % 4)
