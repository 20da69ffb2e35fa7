"""Authenticator apps: setting one up, and codes that are taken once and at their time."""

import base64
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django_otp import match_token, verify_token
from PIL import Image
from pytest_django import Settings

from tests.people import People
from tests.two_factor import SECRET, add_app, code_of
from tests.two_factor import totp as code_at
from twofactor import totp
from twofactor.models import AuthenticatorApp
from twofactor.qr import picture_of
from twofactor.sealing import unseal

pytestmark = pytest.mark.django_db

# 2026-01-01, at the very beginning of a step.
NOW = 1_767_225_600
STEP = NOW // 30


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The server's: ``clock.now`` in seconds, which stands still unless moved."""
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
    ],
)
def test_codes_are_those_of_the_standard(
    people: People, clock: SimpleNamespace, seconds: int, code: str
) -> None:
    """M9; the vectors of RFC 6238 appendix B, their last six digits."""
    app = add_app(people.alice)
    clock.now = seconds
    assert totp.verify_app_code(people.alice, code) == app


def test_codes_of_an_independent_program_are_taken(people: People) -> None:
    """M9; what Debian's oathtool makes of the key that a person types."""
    oathtool = shutil.which("oathtool")
    if oathtool is None:
        pytest.skip("NOT CHECKED that other apps make our codes: apt-get install oathtool")
    app = totp.begin_set_up(people.alice)
    command = [oathtool, "--totp", "-b", totp.typed_key(app)]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    AuthenticatorApp.objects.update(confirmed=True)
    assert totp.verify_app_code(people.alice, code) == app


def test_a_code_is_taken_once(people: People, clock: SimpleNamespace) -> None:
    """Security 20."""
    add_app(people.alice)
    code = code_at(SECRET, STEP)
    assert totp.verify_app_code(people.alice, code)
    assert totp.verify_app_code(people.alice, code) is None


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_one_step_off(people: People, clock: SimpleNamespace, steps: int) -> None:
    """docs/two-factor.md, Deviations: a tolerance of one step, against ASVS 6.5.5."""
    add_app(people.alice)
    assert totp.verify_app_code(people.alice, code_at(SECRET, STEP + steps))


@pytest.mark.parametrize("steps", [-1000, -3, -2, 2, 3, 1000])
def test_a_clock_may_not_be_two_steps_off(
    people: People, clock: SimpleNamespace, steps: int
) -> None:
    app = add_app(people.alice)
    assert totp.verify_app_code(people.alice, code_at(SECRET, STEP + steps)) is None
    app.refresh_from_db()
    assert (app.last_step, app.last_used_at) == (-1, None)


def test_a_clock_that_is_off_is_not_followed(people: People, clock: SimpleNamespace) -> None:
    """OTP_TOTP_SYNC is of no concern: a tolerated step moves nothing for the next time."""
    add_app(people.alice)
    assert totp.verify_app_code(people.alice, code_at(SECRET, STEP + 1))
    assert totp.verify_app_code(people.alice, code_at(SECRET, STEP + 2)) is None


def test_an_older_code_is_not_taken_after_a_newer_one(
    people: People, clock: SimpleNamespace
) -> None:
    """Security 20: neither the step that was used nor one before it."""
    add_app(people.alice)
    assert totp.verify_app_code(people.alice, code_at(SECRET, STEP + 1))
    for step in (STEP - 1, STEP, STEP + 1):
        assert totp.verify_app_code(people.alice, code_at(SECRET, step)) is None
    clock.now += 30
    assert totp.verify_app_code(people.alice, code_at(SECRET, STEP + 2))


def test_any_of_several_apps_is_taken_and_each_has_its_own_steps(
    people: People, clock: SimpleNamespace
) -> None:
    """M9: a person can have several."""
    first = add_app(people.alice, name="Phone")
    second = add_app(people.alice, secret=b"another secret, twenty", name="Tablet")
    assert totp.verify_app_code(people.alice, code_of_at(second)) == second
    assert totp.verify_app_code(people.alice, code_of_at(first)) == first
    second.refresh_from_db()
    assert second.last_step == STEP and second.last_used_at is not None


def code_of_at(app: AuthenticatorApp) -> str:
    return code_at(unseal(app.encrypted_secret), STEP)


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "½23456", "\x00" * 6, "9" * 500]
)
def test_what_is_no_code_is_refused(people: People, clock: SimpleNamespace, code: str) -> None:
    add_app(people.alice)
    assert totp.verify_app_code(people.alice, code) is None


def test_an_app_that_was_never_confirmed_verifies_nothing(people: People) -> None:
    """django-otp accepts unconfirmed devices (docs/decisions/0140)."""
    app = totp.begin_set_up(people.alice)
    assert totp.verify_app_code(people.alice, code_of(app)) is None
    app.refresh_from_db()
    assert app.last_step == -1


def test_no_function_of_django_otp_takes_a_code(people: People) -> None:
    """Its ``verify_token`` would let parallel requests use one code (docs/decisions/0140)."""
    app = add_app(people.alice)
    code = code_of(app)
    assert verify_token(people.alice, app.persistent_id, code) is None  # type: ignore[no-untyped-call]
    assert match_token(people.alice, code) is None  # type: ignore[no-untyped-call]
    assert totp.verify_app_code(people.alice, code_of(app))


def test_a_code_of_somebody_else_is_refused(people: People, clock: SimpleNamespace) -> None:
    add_app(people.bob)
    add_app(people.alice, secret=b"another secret, twenty")
    assert totp.verify_app_code(people.alice, code_at(SECRET, STEP)) is None
    assert totp.verify_app_code(people.bob, code_at(SECRET, STEP))


# --- Setting one up -----------------------------------------------------------------------------


def test_beginning_again_makes_another_secret_and_drops_the_first(people: People) -> None:
    first = totp.begin_set_up(people.alice)
    second = totp.begin_set_up(people.alice)
    assert list(AuthenticatorApp.objects.filter(user=people.alice)) == [second]
    assert first.public_id != second.public_id
    assert unseal(first.encrypted_secret) != unseal(second.encrypted_secret)


def test_beginning_leaves_confirmed_apps_and_other_people_alone(people: People) -> None:
    confirmed = add_app(people.alice)
    bobs = totp.begin_set_up(people.bob)
    begun = totp.begin_set_up(people.alice)
    assert set(AuthenticatorApp.objects.all()) == {confirmed, bobs, begun}


def test_a_secret_has_160_random_bits(people: People) -> None:
    """RFC 4226, section 4, R6."""
    assert len(unseal(totp.begin_set_up(people.alice).encrypted_secret)) == 20


def test_the_qr_code_says_who_and_where_in_the_form_that_apps_read(
    people: People, settings: Settings
) -> None:
    """U5: set-up by QR code."""
    settings.OPERATOR_NAME = "Ünïcode: Hosting & Co"
    app = totp.begin_set_up(people.alice)
    uri = urlsplit(totp.provisioning_uri(app, people.alice))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    label = unquote(uri.path.removeprefix("/"))
    # One colon, between the two: others would be taken for it.
    assert label == "Ünïcode  Hosting & Co:alice@hartwell.example"
    said = {name: values[0] for name, values in parse_qs(uri.query).items()}
    assert said == {
        "secret": base64.b32encode(unseal(app.encrypted_secret)).decode(),
        "issuer": "Ünïcode  Hosting & Co",
        "algorithm": "SHA1",
        "digits": "6",
        "period": "30",
    }


def test_the_picture_is_read_by_an_independent_program(people: People, tmp_path: Path) -> None:
    """U5; with the quiet zone that ISO/IEC 18004 asks for, which zbarimg needs."""
    zbarimg = shutil.which("zbarimg")
    if zbarimg is None:
        pytest.skip("NOT CHECKED that the QR code can be read: apt-get install zbar-tools")
    uri = totp.provisioning_uri(totp.begin_set_up(people.alice), people.alice)
    picture = picture_of(uri)
    dark = {
        (int(x) + right, int(y))
        for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", picture.path)
        for right in range(int(width))
    }
    assert min(map(min, dark)) == 4 and max(map(max, dark)) == picture.size - 5
    drawn = Image.new("1", (picture.size, picture.size), color=1)
    for place in dark:
        drawn.putpixel(place, 0)
    drawn.resize((picture.size * 4, picture.size * 4)).save(tmp_path / "code.png")
    command = [zbarimg, "--quiet", "--raw", str(tmp_path / "code.png")]
    read = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert read.strip() == uri


def test_the_typed_key_is_the_same_secret_in_groups_of_four(people: People) -> None:
    """U5: set-up by typed key."""
    app = totp.begin_set_up(people.alice)
    groups = totp.typed_key(app).split(" ")
    assert [len(group) for group in groups] == [4] * 8
    assert base64.b32decode("".join(groups)) == unseal(app.encrypted_secret)
