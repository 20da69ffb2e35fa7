"""Frozen parties: one JSON for one object, read back equal or refused."""

import json
from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.parties import (
    Party,
    PaymentMeans,
    PostalAddress,
    SnapshotInvalid,
    canonical_json,
    one_line,
)
from tests.invoices.documents import BUYER, SELLER, TRANSFER

ADDRESS = PostalAddress(country="GB", lines=("1 High Street",), postcode="LS1 4AP", city="Leeds")
DEBIT = PaymentMeans(
    code="59",
    mandate_reference="MND-1",
    creditor_id="DE98ZZZ09999999999",
    debited_account="DE89370400440532013000",
    collection_date=date(2026, 3, 2),
)

texts = st.text(max_size=40)
names = texts.filter(lambda text: bool(one_line(text)))
addresses = st.builds(
    PostalAddress,
    country=st.sampled_from(["GB", "DE", "JP"]),
    lines=st.lists(texts, max_size=3).map(tuple),
    postcode=texts,
    city=texts,
    subdivision=texts,
)
parties = st.builds(
    Party, name=names, address=addresses, contact_name=texts, legal_information=texts, phone=texts
)


@given(parties)
def test_any_party_comes_back_equal_from_its_stored_json(party: Party) -> None:
    stored = json.loads(json.dumps(party.to_json()))

    assert Party.from_json(stored) == party
    assert canonical_json(Party.from_json(stored).to_json()) == canonical_json(party.to_json())


@pytest.mark.parametrize("means", [TRANSFER, DEBIT])
def test_means_of_payment_come_back_equal(means: PaymentMeans) -> None:
    assert PaymentMeans.from_json(json.loads(json.dumps(means.to_json()))) == means


@pytest.mark.parametrize(
    ("codes", "names"),
    [
        (("30", "58"), {"is_transfer", "is_credit_transfer"}),
        (("31", "42"), {"is_transfer"}),
        (("49", "59"), {"is_debit"}),
        (("48", "54", "55"), {"is_card"}),
        (("1", "10", "20", "97", "ZZZ"), set()),
    ],
)
def test_a_code_says_how_it_is_paid(codes: tuple[str, ...], names: set[str]) -> None:
    kinds = ("is_transfer", "is_credit_transfer", "is_debit", "is_card")
    for code in codes:
        means = PaymentMeans(code=code)
        assert {kind for kind in kinds if getattr(means, kind)} == names, code


def test_canonical_json_never_changes() -> None:
    """What was hashed once must hash the same for as long as the law keeps it."""
    assert canonical_json(Party(name="Ladle & Söhne", address=ADDRESS).to_json()).decode() == (
        '{"address":{"city":"Leeds","country":"GB","lines":["1 High Street"],'
        '"postcode":"LS1 4AP","version":1},"name":"Ladle & Söhne","version":1}'
    )
    assert canonical_json(DEBIT.to_json()).decode() == (
        '{"code":"59","collection_date":"2026-03-02","creditor_id":"DE98ZZZ09999999999",'
        '"debited_account":"DE89370400440532013000","mandate_reference":"MND-1","version":1}'
    )


def test_order_of_keys_does_not_matter() -> None:
    stored = SELLER.to_json()

    assert canonical_json(dict(reversed(stored.items()))) == canonical_json(stored)


def test_text_is_kept_in_one_normal_form() -> None:
    decomposed = Party(name="Mu\u0308ller\t&\r\n So\u0308hne \x00", address=ADDRESS)

    assert decomposed == Party(name="Müller & Söhne", address=ADDRESS)


def test_legal_information_keeps_its_lines() -> None:
    seller = replace(SELLER, legal_information="HRB 1\r\n  Board: A. Ruiz \n\n")

    assert seller.legal_information == "HRB 1\nBoard: A. Ruiz"


def test_empty_address_lines_are_left_out() -> None:
    assert replace(ADDRESS, lines=("", "1 High Street", " ")) == ADDRESS


def test_colour_is_kept_in_lower_case() -> None:
    assert replace(SELLER, colour="#0B5D57").colour == "#0b5d57"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " \n"),
        ("colour", "red;}@import 'x'"),
        ("colour", "#12345"),
        ("logo", "../logo.png"),
        ("logo", "logo.svg"),
        ("logo", "https://example.com/logo.png"),
    ],
)
def test_party_that_could_not_be_printed_is_refused(field: str, value: str) -> None:
    with pytest.raises(SnapshotInvalid, match=field):
        Party.from_json(SELLER.to_json() | {field: value})


@pytest.mark.parametrize("country", ["", "gb", "GBR", "United Kingdom"])
def test_country_is_a_code(country: str) -> None:
    with pytest.raises(SnapshotInvalid, match="country"):
        PostalAddress(country=country)


def test_address_has_three_lines_at_most() -> None:
    with pytest.raises(SnapshotInvalid, match="more than 3 lines"):
        PostalAddress(country="GB", lines=("1", "2", "3", "4"))


def test_whole_card_number_is_refused() -> None:
    with pytest.raises(SnapshotInvalid, match="card_last4"):
        PaymentMeans(code="48", card_last4="4242424242424242")


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"version": None},
        {"unknown": "x"},
        {"name": None},
        {"name": 7},
        {"address": "1 High Street"},
        {"address": {"country": "GB"}},
        {"address": {"version": 1, "country": "GB", "lines": "1 High Street"}},
        {"address": {"version": 1, "country": "GB", "lines": [1]}},
        {"address": {"version": 1}},
    ],
)
def test_stored_json_that_is_not_a_party_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(SnapshotInvalid):
        Party.from_json(BUYER.to_json() | changed)


@pytest.mark.parametrize("stored", [None, [], "x", {}, {"name": "x"}])
def test_what_is_no_object_of_a_version_is_refused(stored: object) -> None:
    with pytest.raises(SnapshotInvalid, match="not a Party of version 1"):
        Party.from_json(stored)


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", 20260302])
def test_stored_date_that_is_none_is_refused(day: object) -> None:
    with pytest.raises(SnapshotInvalid, match="not a date"):
        PaymentMeans.from_json(DEBIT.to_json() | {"collection_date": day})


def test_what_is_empty_is_not_stored() -> None:
    """So a field that is added later leaves every earlier hash as it was."""
    stored = Party(name="Ladle", address=PostalAddress(country="GB")).to_json()

    assert stored.keys() == {"version", "name", "address"}
    assert len(fields(Party)) > len(stored)
