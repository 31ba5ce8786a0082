"""Letters, read octet by octet and written rightly.  Pure functions: bytes in, values out.

    >>> from labmail.letter import read
    >>> letter = read(raw)
    >>> letter.header["Subject"].text, letter.header["Subject"].written
    >>> [(part.number, part.type, part.size) for part in letter.walk()]

Reading, from the octets up:

``fields``      header fields and their parameters: names, octets, places; nothing decoded
``mime``        the letter as a tree of octet ranges, within limits
``charsets``    octets and characters: charsets, NFC and NFD, what mojibake looks like
``words``       ``=?utf-8?q?Ch=C3=A0o?=``: encoded words
``header``      a header as a mail program shows it, and how each field was written
``encodings``   7bit, 8bit, quoted-printable, base64: undoing them, and what each costs
``filenames``   what a part's file is called, and in which of five ways that was said
``parts``       the MIME tree as a mail program reads it: `read`
``outline``     all that was read as plain data, for comparing and for keeping
``threads``     which letter answers which
``arrows``      where a reply, a bounce, an automatic answer and a post to the list would go

Writing:

``guards``      what must not stand in an address or a header is refused
``compose``     a letter with everything it needs
``wrong``       the well-known bad letters, made on purpose
"""

from __future__ import annotations

from labmail.letter.parts import Part, read

__all__ = ["Part", "read"]
