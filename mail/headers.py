"""Header fields, one by one, as ASCII lines that any mail server takes.

Written out here and not left to the standard library's ``email`` package for two reasons: a message
that is sent again next week, after an upgrade of Python, must still be the same to the byte; and
its policies cost several times what sending the message does. The tests read every result back
with that package.
"""

import re
import unicodedata
from base64 import b64encode
from itertools import pairwise
from urllib.parse import quote

from mail.addresses import Mailbox, envelope_address

# RFC 5322, 2.1.1 asks for 78 columns; RFC 2047, 2 for 76 where there is an encoded word.
_COLUMNS = 76
# 39 bytes make an encoded word of 64 columns, which fits behind "Reply-To: " and every other name.
_ENCODED_WORD_BYTES = 39
_FILENAME_PART_COLUMNS = 60

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
# Left-to-right and right-to-left overrides and embeddings: they make a line read as another. The
# marks that Arabic and Hebrew names need (U+200E, U+200F) are not among them.
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Control characters, lone surrogates, line and paragraph separators.
_SEPARATING = frozenset({"Cc", "Cs", "Zl", "Zp"})


def one_line(text: str, *, most: int) -> str:
    """``text`` for a header: no line breaks or control characters, single spaces, ``most`` long.

    What a customer typed as their name must never keep their invoice from leaving, so this repairs
    and does not refuse.
    """
    line = " ".join(_without_control_characters(text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _without_control_characters(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if unicodedata.category(character) in _SEPARATING else character
        for character in _OVERRIDES.sub("", text)
    )


def unstructured(name: str, text: str) -> str:
    """A field of free text, such as Subject; ``text`` has been through ``one_line``."""
    words = text.split(" ")
    if _is_plain(text) and max(map(len, words)) < _COLUMNS - len(name) - 2:
        return _folded(name, words)
    return _folded(name, _encoded_words(text))


def mailbox(name: str, box: Mailbox) -> str:
    """A field with one address. Raises UnusableAddress.

    A local part beyond ASCII is written as it is (RFC 6532), so the line may hold UTF-8.
    """
    address = envelope_address(box.address)
    if not box.name:
        return f"{name}: {address}"
    return _folded(name, [*_phrase(box.name), f"<{address}>"])


def structured(name: str, value: str) -> str:
    """A field with a grammar of its own, such as References: folded at spaces, never encoded."""
    return _folded(name, value.split(" "))


def parameter(name: str, value: str) -> str:
    """One parameter of a MIME field, with what joins it to the line before (RFC 2231)."""
    if value.isascii():
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f';\r\n {name}="{escaped}"'
    text = f"utf-8''{quote(value, safe='')}"
    if len(text) <= _FILENAME_PART_COLUMNS:
        return f";\r\n {name}*={text}"
    return "".join(f";\r\n {name}*{number}*={part}" for number, part in enumerate(_parts(text)))


def _parts(text: str) -> list[str]:
    """Pieces of percent-encoded text, none of which ends inside an encoded byte."""
    return re.findall(rf"(?:%[0-9A-F]{{2}}|[^%]){{1,{_FILENAME_PART_COLUMNS // 3}}}", text)


def _is_plain(text: str) -> bool:
    """ASCII that no reader could take for an encoded word."""
    return text.isascii() and "=?" not in text


def _phrase(name: str) -> list[str]:
    if not _is_plain(name) or len(name) > _COLUMNS // 2:
        return _encoded_words(name)
    if _ATOMS.fullmatch(name):
        return [name]
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


def _encoded_words(text: str) -> list[str]:
    """RFC 2047 words that each hold whole characters (section 5, rule 3)."""
    ends = [0]
    size = 0
    for position, character in enumerate(text):
        width = len(character.encode())
        if size + width > _ENCODED_WORD_BYTES:
            ends.append(position)
            size = 0
        size += width
    ends.append(len(text))
    return [
        f"=?utf-8?b?{b64encode(text[start:end].encode()).decode('ascii')}?="
        for start, end in pairwise(ends)
    ]


def _folded(name: str, words: list[str]) -> str:
    """The field with its words on as many lines as they need."""
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _COLUMNS and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines)
