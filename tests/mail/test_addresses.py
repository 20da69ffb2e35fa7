import pytest

from mail.addresses import UnusableAddress, comparable, envelope_address, spellings


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("v@münchen.example", "v@xn--mnchen-3ya.example"),
        ("V@MÜNCHEN.example", "v@XN--MNCHEN-3YA.Example"),
        ("v@mu\u0308nchen.example", "v@münchen.example"),
        ("用户@例子.example", "用户@xn--fsqu00a.example"),
        (" Alice@Example.com ", "alice@example.com"),
    ],
)
def test_spellings_of_one_address_are_compared_as_one(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)
    assert spellings(one) == spellings(other)


def test_what_is_no_address_is_compared_as_it_stands() -> None:
    assert comparable("Nobody") == "nobody"
    assert comparable("straße@strasse.example") != comparable("strasse@straße.example")


def test_address_may_be_on_file_in_either_spelling() -> None:
    assert spellings("V@münchen.example") == {"v@münchen.example", "v@xn--mnchen-3ya.example"}
    assert spellings("v@example.com") == {"v@example.com"}


@pytest.mark.parametrize("domain", ["xn--.de", "xn--99999999999999.de", "xn--a-ecp.de", "xn--0ca"])
def test_domain_that_spells_nothing_has_its_own_spelling_alone(domain: str) -> None:
    found = spellings(f"v@{domain}")
    assert f"v@{domain}" in found
    assert all(spelled.encode() for spelled in found)
