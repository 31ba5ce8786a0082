"""Well-known ports, and the names of the services behind them."""

from __future__ import annotations

from labmail.runtime.counts import is_whole

SERVICES: dict[str, int] = {
    "smtp": 25,  # RFC 5321 §4.5.4.2: between mail servers
    "domain": 53,  # RFC 1035 §4.2
    "http": 80,
    "pop3": 110,  # RFC 1939 §3
    "imap": 143,  # RFC 3501 §2.1
    "submissions": 465,  # RFC 8314 §3.3: submission inside TLS from the first byte
    "submission": 587,  # RFC 6409 §3.1
    "imaps": 993,  # RFC 8314 §3.2
    "pop3s": 995,  # RFC 8314 §3.1
}
"""Service name → port, as registered."""

IMPLICIT_TLS = frozenset({"submissions", "imaps", "pop3s"})
"""Services that begin with the TLS handshake (RFC 8314 §3)."""

_BY_PORT = {port: name for name, port in SERVICES.items()}


def service_of(port: int) -> str:
    """The service on a well-known port; ``"port 8025"`` for a port that is not one."""
    return _BY_PORT.get(port, f"port {port}")


def port_of(service: int | str) -> int:
    """The port of a service, by name or number; raises ValueError for what is neither."""
    if isinstance(service, str) and service in SERVICES:
        return SERVICES[service]
    if isinstance(service, str):
        raise ValueError(f"no service is called {service!r}; there are: {', '.join(SERVICES)}")
    if not is_whole(service, 1, 65535):
        raise ValueError(
            f"{service!r} is no port: write a number from 1 to 65535, such as 25, or the name of "
            "a service, such as 'smtp'"
        )
    return service
