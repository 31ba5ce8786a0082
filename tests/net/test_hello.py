import ssl
from pathlib import Path

import pytest

from labmail.net.hello import client_random, is_client_hello, server_choice
from labmail.runtime.ca import Authority, take_keys

NAME = "smtp.hanoi.example"


def hellos(folder: Path, version: ssl.TLSVersion) -> tuple[bytes, bytes, ssl.SSLObject]:
    """What client and server say first, and the client's end afterwards."""
    authority = Authority(folder)
    server_context = authority.server_context(NAME)
    context = authority.client_context()
    context.maximum_version = version
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname=NAME)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    by_client = to_server.read()
    to_server.write(by_client)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    by_server = to_client.read()
    to_client.write(by_server)
    for end in (client, server, client):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert take_keys(server_context, client_random(by_client)) != ""
    return by_client, by_server, client


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_choice_is_what_the_client_ends_up_with(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    by_client, by_server, client = hellos(tmp_path, version)
    assert is_client_hello(by_client)
    assert not is_client_hello(by_server)
    choice, cipher = server_choice(by_server), client.cipher()
    assert choice is not None and cipher is not None
    assert (choice.version, choice.cipher) == (client.version(), cipher[0])
    assert choice.version == version.name.replace("_", ".")


def test_what_is_no_hello(tmp_path: Path) -> None:
    by_client, by_server, _ = hellos(tmp_path, ssl.TLSVersion.TLSv1_3)
    for data in (b"", b"\x16", b"EHLO x\r\n", b"\x17\x03\x03\x00\x02\x01\x00", by_server):
        assert not is_client_hello(data)
    for data in (b"", b"220 2.0.0 go\r\n", by_server[:60], by_client):
        assert server_choice(data) is None


def test_numbers_without_a_name_are_told_as_numbers(tmp_path: Path) -> None:
    _, hello, _ = hellos(tmp_path, ssl.TLSVersion.TLSv1_3)
    cipher_at = 44 + hello[43]
    unknown = hello[:cipher_at] + b"\x7f\x7f" + hello[cipher_at + 2 :]
    choice = server_choice(unknown)
    assert choice is not None
    assert choice.cipher == "cipher 0x7f7f"
