"""Which codes count, and that each counts once, however it is spelled (security 20)."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from tests.people import People
from tests.two_factor import add_app, code_of, two_factor_on, two_factor_on_by_phone
from tests.twofactor.gateways import RememberingGateway
from tests.twofactor.signing_in import (
    CHALLENGE,
    enter,
    forget_attempts,
    half_signed_in,
    is_in,
    request_from,
)
from twofactor.methods import Kind
from twofactor.models import RecoveryCode, SmsCode
from twofactor.recovery_codes import make_codes
from twofactor.sms.codes import LASTS
from twofactor.typed_codes import WrongCode, recovery_code, six_digits
from twofactor.verifying import verify
from users.models import User

pytestmark = pytest.mark.django_db

Spell = Callable[[str], str]

FULL_WIDTH_ZERO = 0xFF10
ARABIC_INDIC_ZERO = 0x0660
DEVANAGARI_ZERO = 0x0966


def _in_script(zero: int) -> Spell:
    return lambda code: "".join(chr(zero + int(c)) if c.isdigit() else c for c in code)


def _full_width(code: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) for character in code)


SPELLINGS: dict[str, Spell] = {
    "as it is": str,
    "with a space": lambda code: f"{code[:3]} {code[3:]}",
    "with spaces around": lambda code: f"  {code}\t",
    "with a hyphen": lambda code: f"{code[:3]}-{code[3:]}",
    "with a dash": lambda code: f"{code[:3]}\N{EN DASH}{code[3:]}",
    "with a minus": lambda code: f"{code[:3]}\N{MINUS SIGN}{code[3:]}",
    "with a non-breaking space": lambda code: f"{code[:3]}\N{NO-BREAK SPACE}{code[3:]}",
    "with a narrow space": lambda code: f"{code[:3]}\N{NARROW NO-BREAK SPACE}{code[3:]}",
    "with what is not seen": lambda code: (
        f"\N{ZERO WIDTH SPACE}{code[:3]}\N{SOFT HYPHEN}{code[3:]}"
    ),
    "each apart": " ".join,
    "full width": _full_width,
    "Arabic-Indic digits": _in_script(ARABIC_INDIC_ZERO),
    "Devanagari digits": _in_script(DEVANAGARI_ZERO),
    "Arabic-Indic digits, apart": lambda code: " ".join(_in_script(ARABIC_INDIC_ZERO)(code)),
}
OF_RECOVERY_CODES: dict[str, Spell] = {
    "as it is shown": str,
    "in one": lambda code: code.replace("-", ""),
    "upper case": str.upper,
    "with spaces": lambda code: code.replace("-", " "),
    "full width": _full_width,
    "with dashes": lambda code: code.replace("-", "\N{EM DASH}"),
    "with look-alikes": lambda code: code.replace("0", "O").replace("1", "l"),
    "with other look-alikes": lambda code: code.replace("0", "o").replace("1", "I"),
    "Arabic-Indic digits": _in_script(ARABIC_INDIC_ZERO),
}


def check(user: User, code: str, *, kind: Kind = Kind.APP, bound_to: str = "") -> bool:
    """Whether ``code`` counts now; limits are not what is under test."""
    forget_attempts()
    try:
        verify(request_from(), user, kind=kind, code=code, bound_to=bound_to)
    except WrongCode:
        return False
    return True


# --- Spelling -----------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_apps_code_counts_in_every_spelling_and_then_in_none(
    people: People, spelling: str
) -> None:
    code = code_of(two_factor_on(people.alice))
    assert check(people.alice, SPELLINGS[spelling](code))
    for name, spell in SPELLINGS.items():
        assert not check(people.alice, spell(code)), name


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_text_messages_code_counts_in_every_spelling_and_then_in_none(
    people: People, gateway: RememberingGateway, spelling: str
) -> None:
    two_factor_on_by_phone(people.alice)
    browser = half_signed_in(people.alice)
    browser.post(f"{CHALLENGE}sms/")
    [code] = gateway.codes
    enter(browser, SPELLINGS[spelling](code), kind=Kind.SMS)
    assert is_in(browser)
    bound_to = SmsCode.objects.get().bound_to
    for name, spell in SPELLINGS.items():
        assert not check(people.alice, spell(code), kind=Kind.SMS, bound_to=bound_to), name


@pytest.mark.parametrize("spelling", OF_RECOVERY_CODES)
def test_a_recovery_code_counts_in_every_spelling_and_then_in_none(
    people: People, spelling: str
) -> None:
    code = make_codes(people.alice)[0]
    assert check(people.alice, OF_RECOVERY_CODES[spelling](code), kind=Kind.RECOVERY_CODE)
    for name, spell in OF_RECOVERY_CODES.items():
        assert not check(people.alice, spell(code), kind=Kind.RECOVERY_CODE), name
    assert RecoveryCode.objects.filter(used_at=None).count() == 9


@pytest.mark.parametrize(
    "text", ["", "12345", "1234567", "12345a", "½23456", "1.2345", "+12345", "²٣4५6", "1" * 10_000]
)
def test_what_is_not_six_digits_is_none(text: str) -> None:
    assert six_digits(text) is None


def test_a_recovery_code_has_one_form() -> None:
    assert recovery_code(" K7M2-X9QP-4DTW ") == "k7m2x9qp4dtw"
    assert recovery_code("OIL0") == "0110"


# --- Time ---------------------------------------------------------------------------------------


def test_a_text_messages_code_counts_for_five_minutes(
    people: People, gateway: RememberingGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_factor_on_by_phone(people.alice)
    browser = half_signed_in(people.alice)
    browser.post(f"{CHALLENGE}sms/")
    row, now = SmsCode.objects.get(), timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + LASTS)
    [code] = gateway.codes
    assert not check(people.alice, code, kind=Kind.SMS, bound_to=row.bound_to)
    monkeypatch.setattr(timezone, "now", lambda: now)
    assert check(people.alice, code, kind=Kind.SMS, bound_to=row.bound_to)


# --- Whose, and for what ------------------------------------------------------------------------


def test_a_text_messages_code_counts_in_its_own_sign_in_alone(
    people: People, gateway: RememberingGateway
) -> None:
    """Security 20: in another session."""
    two_factor_on_by_phone(people.alice)
    one, other = half_signed_in(people.alice), half_signed_in(people.alice)
    one.post(f"{CHALLENGE}sms/")
    [code] = gateway.codes
    enter(other, code, kind=Kind.SMS)
    assert not is_in(other)
    enter(one, code, kind=Kind.SMS)
    assert is_in(one)


def test_a_sign_in_that_begins_again_takes_no_code_of_the_one_before(
    people: People, gateway: RememberingGateway
) -> None:
    two_factor_on_by_phone(people.alice)
    browser = half_signed_in(people.alice)
    browser.post(f"{CHALLENGE}sms/")
    half_signed_in(people.alice, browser=browser)
    enter(browser, gateway.codes[0], kind=Kind.SMS)
    assert not is_in(browser)


def test_anothers_code_counts_for_nobody_else(people: People) -> None:
    two_factor_on(people.alice)
    app = add_app(people.bob, secret=b"a secret that Bob has")
    code = make_codes(people.bob)[0]
    assert not check(people.alice, code_of(app))
    assert not check(people.alice, code, kind=Kind.RECOVERY_CODE)
    assert check(people.bob, code_of(app))
    assert check(people.bob, code, kind=Kind.RECOVERY_CODE)


def test_a_code_of_one_kind_counts_as_no_other(people: People) -> None:
    app = two_factor_on(people.alice)
    recovery = make_codes(people.alice)[0]
    assert not check(people.alice, code_of(app), kind=Kind.SMS)
    assert not check(people.alice, code_of(app), kind=Kind.RECOVERY_CODE)
    assert not check(people.alice, recovery, kind=Kind.APP)


def test_codes_of_a_former_set_count_no_more(people: People) -> None:
    former = make_codes(people.alice)
    new = make_codes(people.alice)
    assert not any(check(people.alice, code, kind=Kind.RECOVERY_CODE) for code in former)
    assert check(people.alice, new[0], kind=Kind.RECOVERY_CODE)


def test_the_audit_says_which_method_and_never_what_was_typed(people: People) -> None:
    """Security 41."""
    two_factor_on(people.alice)
    make_codes(people.alice)
    for kind in Kind:
        check(people.alice, "secret-typed", kind=kind)
    with all_accounts_scope("a test reads the audit log"):
        found = list(AuditEvent.objects.filter(action=Action.TWO_FACTOR_CODE_REFUSED))
        methods = sorted(event.details.pop("method") for event in found)
        assert {str(event.remote_address) for event in found} == {"192.0.2.1"}
    assert methods == sorted(kind.value for kind in Kind)
    assert all(event.details == {} for event in found)


def test_a_browser_that_begins_twice_is_one_sign_in(people: People) -> None:
    browser = Client()
    half_signed_in(people.alice, browser=browser)
    half_signed_in(people.alice, browser=browser)
    enter(browser, code_of(two_factor_on(people.alice)))
    assert is_in(browser)
