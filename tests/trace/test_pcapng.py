import struct

import pytest

from labmail.trace import pcapng


def parts(block: bytes) -> tuple[int, bytes]:
    """Kind and body of one block, whose two lengths agree with what it is."""
    kind, size = struct.unpack_from("<II", block)
    assert size == len(block) == struct.unpack("<I", block[-4:])[0]
    assert size % 4 == 0
    return kind, block[8:-4]


def test_the_first_block_tells_the_order_of_octets() -> None:
    kind, body = parts(pcapng.section("Mail Lab"))
    assert kind.to_bytes(4, "little") == b"\n\r\r\n"
    assert body[:4] == b"\x4d\x3c\x2b\x1a"
    assert struct.unpack_from("<HHq", body, 4) == (1, 0, -1)
    assert body[16:] == b"\x04\x00\x08\x00Mail Lab" + bytes(4)


def test_packets_of_the_interface_begin_with_ip() -> None:
    kind, body = parts(pcapng.interface("lab"))
    assert (kind, struct.unpack_from("<HHI", body)) == (1, (101, 0, 0))
    assert body[8:] == b"\x02\x00\x03\x00lab\x00" + bytes(4)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5])
def test_a_packet_is_padded_and_its_length_is_not(size: int) -> None:
    data = b"E" * size
    kind, body = parts(pcapng.packet(0x1_0000_0002, data))
    assert kind == 6
    assert struct.unpack_from("<IIIII", body) == (0, 1, 2, size, size)
    assert body[20 : 20 + size] == data
    assert body[20 + size :] == bytes(-size % 4)  # and no options


def test_a_packet_may_carry_a_remark() -> None:
    _, body = parts(pcapng.packet(0, b"", "thư số 1"))
    text = "thư số 1".encode()
    assert struct.unpack_from("<HH", body, 20) == (1, len(text))
    assert body[24 : 24 + len(text)] == text
    assert body.endswith(bytes(4))


def test_names_of_both_families() -> None:
    _, body = parts(pcapng.names({"192.0.2.25": "a.example", "2001:db8::80": "b"}))
    first = b"\x01\x00\x0e\x00\xc0\x00\x02\x19a.example\x00" + bytes(2)
    second = b"\x02\x00\x12\x00" + bytes.fromhex("20010db8") + bytes(11) + b"\x80b\x00" + bytes(2)
    assert body == first + second + bytes(4)


def test_keys_are_a_key_log_as_it_is() -> None:
    kind, body = parts(pcapng.secrets("CLIENT_RANDOM 00 11\n"))
    assert (kind, body[:4]) == (10, b"KSLT")
    assert body[4:] == struct.pack("<I", 20) + b"CLIENT_RANDOM 00 11\n"
