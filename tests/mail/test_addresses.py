import pytest

from mail.addresses import UnusableAddress, envelope_address


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("alice@example.com", "alice@example.com"),
        ("Alice.O'Hara+invoices@Example.COM", "Alice.O'Hara+invoices@example.com"),
        ("info@münchen.example", "info@xn--mnchen-3ya.example"),
        # ß is kept: "strasse.example" may be somebody else's domain.
        ("info@straße.example", "info@xn--strae-oqa.example"),
        ("用户@例子.example", "用户@xn--fsqu00a.example"),
        ("owner@customer-17850.example", "owner@customer-17850.example"),
    ],
)
def test_domain_is_spelled_in_ascii_and_the_local_part_is_kept(given: str, spelled: str) -> None:
    assert envelope_address(given) == spelled


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "@example.com",
        "alice@",
        "alice@example..com",
        "alice@-example.com",
        "alice@example.com.",
        ".alice@example.com",
        "alice..b@example.com",
        "alice b@example.com",
        "alice@exam ple.com",
        '"alice b"@example.com',
        "Alice <alice@example.com>",
        "alice@example.com, bob@example.com",
        "alice@example.com\r\nBcc: bob@example.com",
        "alice@example.com\nbob@example.com",
        "alice\x00@example.com",
        "alice\u2028@example.com",
        "ali\u202ece@example.com",
        "ali\udc80ce@example.com",
        "alice@exam\u202eple.com",
        "alice@[127.0.0.1]",
        "alice@example.com>",
        f"{'a' * 65}@example.com",
        f"alice@{'a' * 64}.com",
        f"alice@{'a.' * 130}com",
    ],
)
def test_what_is_not_one_plain_address_is_refused(text: str) -> None:
    with pytest.raises(UnusableAddress):
        envelope_address(text)
