"""What POP3's words mean: tables, each row with the section that says so."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "USER": ("names the mailbox; PASS has to follow", "RFC 1939 §7"),
    "PASS": ("gives the password, and locks the maildrop", "RFC 1939 §7"),
    "APOP": ("logs in with a digest instead of the password", "RFC 1939 §7"),
    "AUTH": ("logs in with a SASL mechanism", "RFC 5034"),
    "(auth)": ("goes on with the login: a base64 answer", "RFC 5034"),
    "STLS": ("asks to go on inside TLS", "RFC 2595 §4"),
    "CAPA": ("asks what the server can do", "RFC 2449 §5"),
    "STAT": ("asks how many letters there are, and their octets", "RFC 1939 §5"),
    "LIST": ("asks for the letters' numbers and sizes", "RFC 1939 §5"),
    "RETR": ("takes a whole letter", "RFC 1939 §5"),
    "DELE": ("marks a letter; it goes only when QUIT is answered", "RFC 1939 §5"),
    "NOOP": ("does nothing", "RFC 1939 §5"),
    "RSET": ("takes all deletion marks back", "RFC 1939 §5"),
    "TOP": ("takes the header and some lines of the body", "RFC 1939 §7"),
    "UIDL": ("asks for names that stay the same in later sessions", "RFC 1939 §7"),
    "UTF8": ("asks for letters with UTF-8 in the header", "RFC 6856"),
    "LANG": ("asks for replies in another language", "RFC 6856"),
    "QUIT": ("ends; after a login the marked letters are removed now", "RFC 1939 §6"),
}

INDICATORS: dict[str, tuple[str, str]] = {
    "+OK": ("yes", "RFC 1939 §3"),
    "-ERR": ("no", "RFC 1939 §3"),
    "+": ("the login goes on: a base64 question, maybe empty", "RFC 5034"),
}

ANSWERS: dict[str, str] = {
    "": "the server greets",
    "STLS": "begin the TLS handshake now",
    "PASS": "logged in, and the maildrop is locked for others",
    "STAT": "number of letters, then their octets together",
    "RETR": "the letter follows, up to a line with one dot",
    "TOP": "the beginning of the letter follows, up to a line with one dot",
    "DELE": "marked; still there until QUIT",
    "QUIT": "good-bye",
}
"""What +OK means in answer to a command."""

LINES: dict[str, tuple[str, str]] = {
    "LIST": ("number and octets of one letter", "RFC 1939 §5"),
    "UIDL": ("number and lasting name of one letter", "RFC 1939 §7"),
}
"""What one line of a longer answer means."""

CAPABILITIES: dict[str, tuple[str, str]] = {
    "TOP": ("TOP is there", "RFC 2449 §6.1"),
    "USER": ("USER and PASS are there", "RFC 2449 §6.2"),
    "SASL": ("AUTH is there, with these mechanisms", "RFC 2449 §6.3"),
    "RESP-CODES": ("words in [ ] after -ERR can be relied on", "RFC 2449 §6.4"),
    "LOGIN-DELAY": ("least seconds between logins", "RFC 2449 §6.5"),
    "PIPELINING": ("commands may be sent without waiting", "RFC 2449 §6.6"),
    "EXPIRE": ("days that letters are kept", "RFC 2449 §6.7"),
    "UIDL": ("UIDL is there", "RFC 2449 §6.8"),
    "IMPLEMENTATION": ("the server's name", "RFC 2449 §6.9"),
    "STLS": ("the session can go on inside TLS", "RFC 2595 §4"),
    "AUTH-RESP-CODE": ("[AUTH] tells bad passwords from other trouble", "RFC 3206"),
    "UTF8": ("UTF-8 in user names and headers", "RFC 6856"),
}

RESPONSE_CODES: dict[str, tuple[str, str]] = {
    "IN-USE": ("another session has the maildrop", "RFC 2449 §8.1.2"),
    "LOGIN-DELAY": ("too soon after the last login", "RFC 2449 §8.1.1"),
    "AUTH": ("user or password not right", "RFC 3206"),
    "SYS/TEMP": ("trouble at the server; it will pass", "RFC 3206"),
    "SYS/PERM": ("trouble at the server; somebody has to help", "RFC 3206"),
}

END_OF_LINES = ("the end of a longer answer", "RFC 1939 §3")
