import ipaddress
import struct

import pytest

from labmail.trace.events import Place
from labmail.trace.packets import MTU, Flag, checksum, segment_size, tcp, udp

SON = Place("son-laptop.hanoi.example", "192.0.2.10", 49152)
HANOI = Place("smtp.hanoi.example", "192.0.2.25", 587)
WEB = Place("www.hanoi.example", "2001:db8:0:2::80", 80)
PHONE = Place("phone.example", "2001:db8::7", 49152)


def pseudo_header(packet: bytes) -> bytes:
    """What the checksum of TCP and UDP covers beside them, read back from the packet."""
    if packet[0] >> 4 == 4:
        return packet[12:20] + struct.pack(">BBH", 0, packet[9], len(packet) - 20)  # RFC 9293 §3.1
    return packet[8:40] + struct.pack(">II", len(packet) - 40, packet[6])  # RFC 8200 §8.1


def content(packet: bytes) -> bytes:
    """What the IP packet carries; all its checksums are right."""
    header = 20 if packet[0] >> 4 == 4 else 40
    if header == 20:
        assert checksum(packet[:20]) == 0
        assert struct.unpack_from(">H", packet, 2)[0] == len(packet)
    else:
        assert struct.unpack_from(">H", packet, 4)[0] == len(packet) - 40
    assert checksum(pseudo_header(packet) + packet[header:]) == 0
    return packet[header:]


def test_the_checksum_of_the_rfcs_example() -> None:
    data = bytes.fromhex("0001 f203 f4f5 f6f7")  # RFC 1071 §3
    assert checksum(data) == 0xDDF2 ^ 0xFFFF
    assert checksum(b"\x01") == 0x0100 ^ 0xFFFF  # an odd octet is the high one of its word


def test_an_ipv4_packet_says_from_whom_to_whom() -> None:
    packet = tcp(SON, HANOI, Flag.ACK, 1, 2, b"EHLO x\r\n")
    assert packet[0] == 0x45
    assert ipaddress.ip_address(packet[12:16]) == ipaddress.ip_address(SON.ip)
    assert ipaddress.ip_address(packet[16:20]) == ipaddress.ip_address(HANOI.ip)
    assert packet[9] == 6
    assert content(packet).endswith(b"EHLO x\r\n")


def test_a_segment_says_ports_numbers_and_flags() -> None:
    segment = content(tcp(SON, HANOI, Flag.PSH | Flag.ACK, 0xFFFFFFFF, 7, b"x"))
    ports_and_numbers = struct.unpack_from(">HHII", segment)
    assert ports_and_numbers == (49152, 587, 0xFFFFFFFF, 7)
    assert segment[12:14] == bytes([5 << 4, 0x18])
    assert segment[20:] == b"x"


@pytest.mark.parametrize(("target", "size"), [(HANOI, 1460), (WEB, 1440)])
def test_who_opens_says_how_much_fits_into_a_segment(target: Place, size: int) -> None:
    source = SON if target is HANOI else PHONE
    segment = content(tcp(source, target, Flag.SYN, 1, 0))
    assert segment[12] >> 4 == 6  # words of the header, this option included
    assert segment[20:] == struct.pack(">BBH", 2, 4, size)
    assert len(tcp(source, target, Flag.ACK, 1, 0, bytes(segment_size(source, target)))) == MTU


def test_a_reset_has_no_room_for_more() -> None:
    segment = content(tcp(HANOI, SON, Flag.RST | Flag.ACK, 0, 1))
    assert segment[14:16] == b"\0\0"


@pytest.mark.parametrize(("source", "target"), [(SON, HANOI), (PHONE, WEB)])
@pytest.mark.parametrize("data", [b"", b"a", b"ab", bytes(1232)])
def test_a_datagram(source: Place, target: Place, data: bytes) -> None:
    datagram = content(udp(source, target, data))
    assert struct.unpack_from(">HHH", datagram) == (source.port, target.port, 8 + len(data))
    assert datagram[8:] == data


def test_a_checksum_of_zero_is_sent_as_ones_where_zero_means_that_there_is_none() -> None:
    """With each value of two octets the sum is another one, so once it is zero."""
    words = [number.to_bytes(2, "big") for number in range(1 << 16)]
    by_udp = {udp(SON, HANOI, word)[26:28] for word in words}
    by_tcp = {tcp(SON, HANOI, Flag.ACK, 1, 2, word)[36:38] for word in words}
    assert (b"\0\0" in by_udp, b"\xff\xff" in by_udp) == (False, True)
    assert b"\0\0" in by_tcp


def test_an_ipv4_host_and_an_ipv6_host_meet_at_a_translator() -> None:
    packet = tcp(SON, WEB, Flag.SYN, 1, 0)
    source = ipaddress.IPv6Address(packet[8:24])
    assert source == ipaddress.ip_address("64:ff9b::192.0.2.10")
    assert content(packet)
