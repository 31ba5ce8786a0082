import os
import socket
import ssl
from pathlib import Path

import pytest

from labmail.runtime.ca import Authority, take_keys


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


def test_keys_are_noted_where_only_the_owner_reads_them_and_go_with_the_authority(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    server = authority.server_context("mx1.saigon.example")
    handshake(server, authority.client_context(), "mx1.saigon.example")
    file = Path(server.keylog_filename)
    assert file.parent == tmp_path
    assert file.stat().st_mode & 0o077 == 0 or os.name == "nt"
    assert "SERVER_TRAFFIC_SECRET_0 " in file.read_text()
    authority.close()
    assert not file.exists()
    handshake(server, authority.client_context(), "mx1.saigon.example")  # it goes on without
    assert take_keys(server, bytes(32)) == ""


def test_each_session_takes_its_own_keys_and_leaves_the_others(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.server_context("mx1.saigon.example")
    file = Path(server.keylog_filename)
    for _ in range(2):
        handshake(server, authority.client_context(), "mx1.saigon.example")
    first, second = dict.fromkeys(x.split()[1] for x in file.read_text().splitlines()[1:])
    keys = take_keys(server, bytes.fromhex(first))
    assert {line.split()[1] for line in keys.splitlines()} == {first}
    assert len(keys.splitlines()) >= 4
    assert take_keys(server, bytes.fromhex(first)) == ""
    handshake(server, authority.client_context(), "mx1.saigon.example")  # it is still noted
    assert second in file.read_text()
    assert len({x.split()[1] for x in file.read_text().splitlines()[1:]}) == 2


def test_without_the_file_of_keys_there_are_none(tmp_path: Path) -> None:
    server = Authority(tmp_path).server_context("mx1.saigon.example")
    Path(server.keylog_filename).unlink()
    assert take_keys(server, bytes(32)) == ""
