"""The headers that every answer carries, errors and files included."""

from tests.people import Answer


def assert_protected(answer: Answer, *, stored: bool = False) -> None:
    """HSTS and the cookies' prefix belong to an installation with https and are tested there."""
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy or policy.startswith("sandbox ")
    assert "frame-ancestors" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] in {"DENY", "SAMEORIGIN"}
    # The second on addresses that hold a token.
    assert answer["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    if not stored:
        assert "no-store" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]
