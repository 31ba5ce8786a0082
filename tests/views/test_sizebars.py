"""Size bars: what travels, counted."""

from labmail import size_bars


def test_bars_are_as_long_as_what_travels() -> None:
    bars = size_bars({"English": "Hello there\n" * 100, "Việt": "Chào em nhé\n" * 100})
    text = bars.text()
    assert "English: 1,300 octets" in text
    assert "7bit      –  cannot carry it: octets above 127" in text
    lengths = {line.split()[0]: line.count("█") for line in text.splitlines()[-4:] if "█" in line}
    assert lengths["quoted-printable"] == 46
    assert lengths["8bit"] < lengths["base64"] < lengths["quoted-printable"]


def test_a_file_is_taken_octet_for_octet() -> None:
    bars = size_bars({"a file": bytes(1_000_000)}, "A file")
    assert "1,368,424" in bars.text() and "× 1.37" in bars.text()
    assert "7bit not possible (NUL)" in bars.alt()
    assert "1,368,424" in bars.svg()


def test_nothing_is_something_too() -> None:
    assert "0 octets" in size_bars({"nothing": ""}).text()
    assert size_bars({}).svg().startswith("<svg")
