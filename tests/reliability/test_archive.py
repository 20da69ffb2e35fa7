"""Stored documents that somebody altered or deleted: found, told, and given to nobody."""

import http.client
from pathlib import Path

import pytest

from tests.reliability.charges import charges_for
from tests.reliability.installation import Installation
from tests.reliability.invariants import check_invariants
from tests.reliability.waiting import wait_until_quiet, work_off

pytestmark = pytest.mark.slow

_PATIENCE_SECONDS = 90


def test_document_that_is_not_what_was_stored_is_neither_shown_nor_mailed(
    installation: Installation,
) -> None:
    scene = installation.stage(4)
    charges = charges_for(scene)
    installation.take(charges)
    installation.bill()
    with installation.programs(mail=0, default=0, beat=False):
        wait_until_quiet(installation, timeout=_PATIENCE_SECONDS, leaving=("queued",))
    altered, cut, missing, whole = scene.accounts
    files = {account: _file_of(installation, account) for account in scene.accounts}
    contents = {account: file.read_bytes() for account, file in files.items()}
    middle = len(contents[altered]) // 2
    _replace(files[altered], bytes([contents[altered][middle] ^ 1]), at=middle)
    files[cut].write_bytes(contents[cut][:-1])
    files[missing].unlink()

    with installation.programs(render=0, default=0, beat=False, web=True):
        work_off(installation, timeout=_PATIENCE_SECONDS)
        answers = {account: _page(installation, account) for account in scene.accounts}
        assert answers[whole] == (200, contents[whole])
        for account, words in (
            (altered, b"This document was altered after it was stored."),
            (cut, b"This document was altered after it was stored."),
            (missing, b"This document is missing from the archive."),
        ):
            status, body = answers[account]
            assert status == 500
            assert words in body
            assert b"%PDF" not in body
        assert {copy.recipient for copy in installation.mailbox.copies} == scene.recipients_of(
            whole
        )
        failed = installation.sql(
            "SELECT recipient_address, left(last_error, 15) FROM mail_outgoingemail"
            " WHERE state = 'failed'"
        )
        assert dict(failed) == {
            **dict.fromkeys(scene.recipients_of(altered), "DocumentAltered"),
            **dict.fromkeys(scene.recipients_of(cut), "DocumentAltered"),
            **dict.fromkeys(scene.recipients_of(missing), "DocumentMissing"),
        }
        with pytest.raises(AssertionError, match="I4, each document has its file: 3 violations"):
            check_invariants(installation, scene=scene, charges=charges)

        # As after copying them back from a backup.
        for account, file in files.items():
            file.write_bytes(contents[account])
        installation.by_hand("retry")
        work_off(installation, timeout=_PATIENCE_SECONDS)
    figures = check_invariants(installation, scene=scene, charges=charges)
    assert (figures.stored, figures.accepted, figures.failed) == (4, 8, 0)


def _file_of(installation: Installation, account: str) -> Path:
    [(key,)] = installation.sql(
        "SELECT storage_key FROM invoices_document file"
        " JOIN accounts_account account ON account.id = account_id WHERE external_reference = %s"
        " AND file.kind = 'pdf'",
        [account],
    )
    return installation.documents / str(key)


def _replace(file: Path, content: bytes, *, at: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(at)
        stream.write(content)


def _page(installation: Installation, account: str) -> tuple[int, bytes]:
    """What the account's owner gets for their document: status and body."""
    [(number, account_number)] = installation.sql(
        "SELECT document.number, account.number FROM invoices_invoice document"
        " JOIN accounts_account account ON account.id = account_id WHERE external_reference = %s",
        [account],
    )
    cookie = installation.by_hand("sign_in", f"owner@{account.lower()}.example").strip()
    connection = http.client.HTTPConnection("127.0.0.1", installation.web_port, timeout=30)
    try:
        connection.request(
            "GET",
            f"/a/{account_number}/billing/invoices/{number}/pdf",
            headers={"Cookie": cookie},
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
