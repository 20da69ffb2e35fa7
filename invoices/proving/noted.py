"""Heads as they come back from wherever they were noted: files, mails, logs, a newspaper."""

import json
import re
from dataclasses import dataclass

from invoices.proving.findings import Finding
from invoices.proving.heads import Head, in_order

_START = re.compile(r'\{\s*"counterfoil_head"')
_LINE = re.compile(r"\bcounterfoil (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z) ([0-9a-f]{64})\b")


@dataclass(frozen=True, slots=True)
class Noted:
    """Heads, oldest first, and what is wrong with what was found besides."""

    heads: list[Head]
    findings: list[Finding]


def read_noted(text: str) -> Noted:
    """All heads in ``text``, whatever stands around them; each printed line must be that of one."""
    heads: list[Head] = []
    findings: list[Finding] = []
    for start in _START.finditer(text):
        try:
            stored, _ = json.JSONDecoder().raw_decode(text, start.start())
            heads.append(Head.from_json(stored))
        except ValueError as error:
            position = text.count("\n", 0, start.start()) + 1
            findings.append(Finding(f"the head in line {position}", f"cannot be used: {error}"))
    known = {head.sha256 for head in heads}
    for at, sha256 in dict.fromkeys(_LINE.findall(text)):
        if sha256 not in known:
            words = "no head that was given has this hash: the one that was noted is not among them"
            findings.append(Finding(f"the line of {at}", words))
    return Noted(in_order(heads), findings)
