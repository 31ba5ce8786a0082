import socket
import ssl
from pathlib import Path

import pytest

from labmail.runtime.ca import Authority


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (here, there):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_the_labs_own_client_trusts_its_hosts_by_every_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.server_context("mx1.saigon.example", "imap.saigon.example")
    for name in ("mx1.saigon.example", "imap.saigon.example"):
        handshake(server, authority.client_context(), name)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server, authority.client_context(), "smtp.hanoi.example")


def test_nobody_else_trusts_them(tmp_path: Path) -> None:
    server = Authority(tmp_path).server_context("mx1.saigon.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context(), "mx1.saigon.example")


def test_one_context_serves_all_connections_of_a_host(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    assert authority.server_context("a.example") is authority.server_context("a.example")
    assert authority.file.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
    assert socket.gethostname() not in authority.file.read_text()
