"""What SMTP's words and numbers mean: tables, each row with the section that says so."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "EHLO": ("says hello by name, and asks which extensions are offered", "RFC 5321 §4.1.1.1"),
    "HELO": ("says hello by name, the old way: no extensions", "RFC 5321 §4.1.1.1"),
    "LHLO": ("says hello in LMTP: each recipient will get a reply of its own", "RFC 2033 §4.1"),
    "MAIL": (
        "begins a letter: the reverse-path, where trouble is reported to",
        "RFC 5321 §4.1.1.2",
    ),
    "RCPT": ("one recipient of the letter: who really gets it", "RFC 5321 §4.1.1.3"),
    "DATA": ("asks to send the letter itself", "RFC 5321 §4.1.1.4"),
    "BDAT": ("sends a chunk of the letter, counted in octets", "RFC 3030 §2"),
    "RSET": ("forgets the letter begun, keeps the session", "RFC 5321 §4.1.1.5"),
    "VRFY": ("asks whether an address exists", "RFC 5321 §4.1.1.6"),
    "EXPN": ("asks who is on a list", "RFC 5321 §4.1.1.7"),
    "HELP": ("asks for help", "RFC 5321 §4.1.1.8"),
    "NOOP": ("does nothing, and hears that the server is there", "RFC 5321 §4.1.1.9"),
    "QUIT": ("says good-bye; the server answers before it hangs up", "RFC 5321 §4.1.1.10"),
    "STARTTLS": (
        "asks to go on inside TLS; both sides then forget what was said",
        "RFC 3207 §4",
    ),
    "AUTH": ("logs in with a SASL mechanism", "RFC 4954 §4"),
    "(auth)": ("goes on with the login: a base64 answer", "RFC 4954 §4"),
}

PARAMETERS: dict[str, tuple[str, str]] = {
    "SIZE": ("SIZE announces the letter's octets", "RFC 1870"),
    "BODY": ("BODY says whether the content holds 8-bit bytes", "RFC 6152"),
    "SMTPUTF8": ("SMTPUTF8: addresses or header may hold UTF-8", "RFC 6531"),
    "RET": ("RET: how much of the letter a notification shall quote", "RFC 3461 §4.3"),
    "ENVID": ("ENVID: the sender's own mark, returned in notifications", "RFC 3461 §4.4"),
    "NOTIFY": ("NOTIFY: when to send a notification", "RFC 3461 §4.1"),
    "ORCPT": ("ORCPT: the recipient as the sender first wrote it", "RFC 3461 §4.2"),
    "AUTH": ("AUTH: who submitted the letter first", "RFC 4954 §5"),
}

FIRST_DIGIT: dict[str, str] = {
    "2": "yes, done",
    "3": "yes so far, go on",
    "4": "not now: the client keeps the letter and tries again",
    "5": "no: the same will fail again",
}
SECOND_DIGIT: dict[str, tuple[str, str]] = {
    "0": ("about syntax", "RFC 5321 §4.2.1"),
    "1": ("information", "RFC 5321 §4.2.1"),
    "2": ("about the connection", "RFC 5321 §4.2.1"),
    "3": ("about authentication", "RFC 4954 §6"),  # RFC 5321 leaves x3z open
    "5": ("about mail", "RFC 5321 §4.2.1"),
}
DIGITS_SECTION = "RFC 5321 §4.2.1"

CODES: dict[str, tuple[str, str]] = {
    "211": ("system status", "RFC 5321 §4.2.3"),
    "214": ("help", "RFC 5321 §4.2.3"),
    "220": ("service ready", "RFC 5321 §4.2.3"),
    "221": ("closing the connection", "RFC 5321 §4.2.3"),
    "235": ("login succeeded", "RFC 4954 §6"),
    "250": ("the action is completed", "RFC 5321 §4.2.3"),
    "251": ("user not local, will forward", "RFC 5321 §3.4"),
    "252": ("cannot verify the user, but will take the letter", "RFC 5321 §3.5.3"),
    "334": ("the login goes on: a base64 question, maybe empty", "RFC 4954 §4"),
    "354": ("send the letter, end it with a line that holds one dot", "RFC 5321 §4.1.1.4"),
    "421": ("service not available, closing", "RFC 5321 §3.8"),
    "432": ("a new kind of password is needed", "RFC 4954 §6"),
    "450": ("mailbox not available now: busy, or refused for now", "RFC 5321 §4.2.3"),
    "451": ("local error while working on it", "RFC 5321 §4.2.3"),
    "452": ("not enough storage, or too many recipients", "RFC 5321 §4.2.3"),
    "454": ("TLS or login not available for now", "RFC 3207 §4"),
    "455": ("parameters cannot be served now", "RFC 5321 §4.2.3"),
    "500": ("command not recognised, or line too long", "RFC 5321 §4.2.3"),
    "501": ("error in the parameters", "RFC 5321 §4.2.3"),
    "502": ("command not implemented", "RFC 5321 §4.2.4"),
    "503": ("wrong order of commands", "RFC 5321 §4.2.3"),
    "504": ("parameter not implemented", "RFC 5321 §4.2.3"),
    "521": ("this host never accepts mail", "RFC 7504"),
    "530": ("log in first, or start TLS first", "RFC 4954 §6"),
    "534": ("this mechanism is too weak here", "RFC 4954 §6"),
    "535": ("login failed: user or password not right", "RFC 4954 §6"),
    "538": ("this mechanism needs TLS", "RFC 4954 §6"),
    "550": ("mailbox not available: unknown, or refused by policy", "RFC 5321 §4.2.3"),
    "551": ("user not local, try another path", "RFC 5321 §3.4"),
    "552": ("too much: storage or size limit exceeded", "RFC 5321 §4.2.3"),
    "553": ("mailbox name not allowed", "RFC 5321 §4.2.3"),
    "554": ("transaction failed, or no service here", "RFC 5321 §4.2.3"),
    "555": ("MAIL or RCPT parameters not recognised", "RFC 5321 §4.1.1.11"),
    "556": ("the recipient's domain accepts no mail", "RFC 7504"),
}

AFTER: dict[tuple[str, str], tuple[str, str]] = {
    ("", "220"): ("the server greets: its name, and that it speaks SMTP", "RFC 5321 §3.1"),
    ("STARTTLS", "220"): ("begin the TLS handshake now", "RFC 3207 §4"),
    ("MAIL", "250"): ("the reverse-path is taken", "RFC 5321 §3.3"),
    ("RCPT", "250"): ("this recipient is taken; not delivered yet", "RFC 5321 §3.3"),
    (".", "250"): (
        "the promise: from here on the server is responsible for the letter",
        "RFC 5321 §4.2.5",
    ),  # the answer to the dot that ends the letter
    ("EHLO", "250"): ("the hello is accepted; extensions follow", "RFC 5321 §4.1.1.1"),
}
"""What a code means in answer to one command, where that says more than the code alone."""

CLASSES: dict[str, str] = {"2": "success", "4": "for now", "5": "for good"}
SUBJECTS: dict[str, tuple[str, str]] = {
    "0": ("nothing more precise", "RFC 3463 §3.1"),
    "1": ("the address", "RFC 3463 §3.2"),
    "2": ("the mailbox", "RFC 3463 §3.3"),
    "3": ("the mail system", "RFC 3463 §3.4"),
    "4": ("network and routing", "RFC 3463 §3.5"),
    "5": ("the protocol", "RFC 3463 §3.6"),
    "6": ("the content", "RFC 3463 §3.7"),
    "7": ("security or policy", "RFC 3463 §3.8"),
}
DETAILS: dict[str, str] = {
    "1.0": "other address status",
    "1.1": "no such mailbox",
    "1.2": "no such system",
    "1.3": "bad syntax of the mailbox",
    "1.5": "the destination address is valid",
    "1.6": "the mailbox has moved",
    "1.7": "bad syntax of the sender's address",
    "1.8": "bad system in the sender's address",
    "1.10": "the recipient's domain has a null MX",
    "2.1": "mailbox disabled",
    "2.2": "mailbox full",
    "2.3": "letter longer than this mailbox allows",
    "2.4": "trouble with expanding a list",
    "3.1": "the system's storage is full",
    "3.2": "the system takes no letters now",
    "3.3": "a wanted feature is missing",
    "3.4": "letter too big for this system",
    "3.5": "the system is configured wrongly",
    "4.1": "no answer from the host",
    "4.2": "the connection broke",
    "4.3": "a directory (such as DNS) failed",
    "4.4": "no route",
    "4.5": "congestion",
    "4.6": "a routing loop",
    "4.7": "the time for delivery is over",
    "5.1": "command not allowed here",
    "5.2": "syntax error",
    "5.3": "too many recipients",
    "5.4": "arguments not allowed",
    "5.5": "wrong protocol version",
    "5.6": "line of the login too long",
    "6.1": "media type not supported",
    "6.3": "conversion needed, but not supported",
    "6.7": "non-ASCII addresses cannot go further",
    "7.0": "other security status",
    "7.1": "delivery not permitted",
    "7.2": "expansion of the list not permitted",
    "7.4": "security feature not supported",
    "7.7": "integrity of the letter is broken",
    "7.8": "user or password not right",
    "7.9": "login mechanism too weak",
    "7.11": "encryption needed for this mechanism",
    "7.20": "no passing DKIM signature",
    "7.23": "SPF says fail",
    "7.26": "several authentication checks failed",
}
DETAIL_SECTIONS: dict[str, str] = {
    "1.10": "RFC 7505",
    "5.6": "RFC 4954 §6",
    "6.7": "RFC 6531",
    "7.8": "RFC 4954 §6",
    "7.9": "RFC 4954 §6",
    "7.11": "RFC 4954 §6",
    "7.20": "RFC 7372 §3.1",
    "7.23": "RFC 7372 §3.2",
    "7.26": "RFC 7372",
}
"""Details that were added after RFC 3463."""

EXTENSIONS: dict[str, tuple[str, str]] = {
    "PIPELINING": ("commands may be sent without waiting for each reply", "RFC 2920"),
    "SIZE": ("the largest letter taken, in octets", "RFC 1870"),
    "8BITMIME": ("bodies may hold 8-bit bytes", "RFC 6152"),
    "SMTPUTF8": ("addresses and header may hold UTF-8", "RFC 6531"),
    "STARTTLS": ("the session can go on inside TLS", "RFC 3207"),
    "AUTH": ("logging in, by these mechanisms", "RFC 4954 §3"),
    "ENHANCEDSTATUSCODES": ("replies carry x.y.z codes", "RFC 2034"),
    "DSN": ("the sender can ask for notifications", "RFC 3461"),
    "CHUNKING": ("BDAT: letters in counted chunks", "RFC 3030"),
    "BINARYMIME": ("bodies may hold any bytes, with BDAT", "RFC 3030"),
    "HELP": ("HELP is answered", "RFC 5321 §4.1.1.8"),
    "VRFY": ("VRFY is answered", "RFC 5321 §4.1.1.6"),
    "EXPN": ("EXPN is answered", "RFC 5321 §4.1.1.7"),
    "LIMITS": ("how many letters and recipients one session may bring", "RFC 9422"),
    "REQUIRETLS": ("a letter can insist on TLS at each hop", "RFC 8689"),
}
