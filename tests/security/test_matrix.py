"""Every address × method × role, from the URL resolver (1, 2, 31; ASVS 8.2.1).

``PAGES`` is written by hand and is the law: an address that is not in it fails the build.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from http import HTTPStatus
from itertools import product

import pytest
from django.test import Client
from django.urls import get_resolver

from accounts.checks import routes
from tests.factories import make_seller
from tests.people import Answer
from tests.security.doors import ACCOUNT, GROUPS, PAGES, Door, nowhere
from tests.security.headers import assert_protected
from tests.security.parts import Parts, fill, make_parts, unknown_parts
from tests.security.roles import Accounts, Role, make_accounts, make_roles
from tests.security.writes import BOOKKEEPING, undone, written

pytestmark = pytest.mark.django_db

OTHERS = ("put", "patch", "delete", "options", "trace")


@dataclass(frozen=True)
class Scene:
    """Everybody, and what stands for the parts of addresses, for each account that is asked for."""

    accounts: Accounts
    roles: list[Role]
    parts: dict[int, Parts]

    def role(self, name: str) -> Role:
        return next(role for role in self.roles if role.name == name)

    def ask(self, role: Role, method: str, route: str, *, checks_forms: bool = False) -> Answer:
        """In a copy of the role's browser: what one answer does to its cookies, no other meets."""
        browser = Client(enforce_csrf_checks=checks_forms)
        browser.cookies = copy(role.browser.cookies)
        answer: Answer = getattr(browser, method)(self.address(route, role))
        return answer

    def address(self, route: str, role: Role) -> str:
        return fill(route, self.parts[role.account.pk])


@pytest.fixture
def scene(db: None) -> Scene:
    accounts = make_accounts()
    asked_for = (accounts.active, accounts.suspended, accounts.closed)
    seller = make_seller()
    parts = {account.pk: make_parts(account, seller=seller) for account in asked_for}
    return Scene(accounts, make_roles(accounts), parts)


def _program_routes() -> Iterator[str]:
    """Without the admin's, which are all behind one door: see tests/config/test_admin.py."""
    for route, _ in routes(get_resolver()):
        if not route.startswith("admin/"):
            yield route


def test_every_address_is_in_the_matrix() -> None:
    assert set(_program_routes()) == set(PAGES)


@pytest.mark.parametrize("group", GROUPS)
def test_reading(group: str, scene: Scene) -> None:
    """Each role gets what the matrix says, and nothing but bookkeeping is written (31)."""
    found, should = {}, {}
    for route, page in GROUPS[group].items():
        for role in scene.roles:
            with undone(), written() as rows:
                answer = scene.ask(role, "get", route)
            assert_protected(answer)
            assert rows.keys() <= BOOKKEEPING, (route, role, rows)
            found[route, role.name] = _seen(answer)
            should[route, role.name] = _expected(page.get, role, answer, page.get_status)
    differing = _differing(found, should)
    assert not differing, differing


@pytest.mark.parametrize("group", GROUPS)
def test_changing(group: str, scene: Scene) -> None:
    """Each role gets what the matrix says; whoever is denied has changed and sent nothing."""
    found, should = {}, {}
    for route in GROUPS[group]:
        for role in scene.roles:
            with undone(), written() as rows:
                answer = scene.ask(role, "post", route)
            assert_protected(answer)
            found[route, role.name] = _seen(answer)
            should[route, role.name] = _expected_change(route, role, answer)
            if _is_denial(answer):
                assert rows.keys() <= BOOKKEEPING, (route, role, rows)
    differing = _differing(found, should)
    assert not differing, differing


def test_no_other_method(scene: Scene) -> None:
    owner = scene.role("owner")
    staff = scene.role("staff")
    found = set()
    for route in PAGES:
        for role, method in product((owner, staff), OTHERS):
            with undone(), written() as rows:
                answer = scene.ask(role, method, route)
            found.add((route, method, answer.status_code))
            assert rows.keys() <= BOOKKEEPING, (route, role, rows)
    assert {one for one in found if one[2] != HTTPStatus.METHOD_NOT_ALLOWED} == set()


def test_every_form_needs_its_token(scene: Scene) -> None:
    forms = [route for route, page in PAGES.items() if page.post not in (None, nowhere)]
    found = set()
    for route, role in product(forms, scene.roles):
        with undone(), written() as rows:
            answer = scene.ask(role, "post", route, checks_forms=True)
        found.add(answer.status_code)
        assert rows.keys() <= BOOKKEEPING, (route, role, rows)
    assert found == {HTTPStatus.FORBIDDEN}


def test_anothers_account_answers_as_one_that_does_not_exist(scene: Scene) -> None:
    stranger = scene.role("another account’s owner")
    for route in GROUPS["one account"]:
        foreign = scene.address(route, stranger)
        unknown = foreign.replace(str(stranger.account.number), "999999999")
        _assert_alike(stranger, foreign, unknown)


def test_anothers_row_under_ones_own_account_answers_as_one_that_does_not_exist(
    scene: Scene,
) -> None:
    """An id of another account in the address of one's own (2, 3)."""
    role = scene.role("another account’s owner")
    own = {"<account:account_number>": str(scene.accounts.elsewhere.number)}
    for route in GROUPS["one account"]:
        if route.count("<") > 1:
            foreign = fill(route, {**scene.parts[scene.accounts.active.pk], **own})
            _assert_alike(role, foreign, fill(route, {**unknown_parts(), **own}))


def _assert_alike(role: Role, foreign: str, unknown: str) -> None:
    for method in ("get", "post"):
        with undone(), written() as rows:
            answers = [getattr(role.browser, method)(path) for path in (foreign, unknown)]
        # What is not there need not be removed: that leads back, whoever's it would have been.
        seen = [answer.status_code for answer in answers]
        assert seen in ([404, 404], [405, 405], [302, 302]), foreign
        assert _shown(answers[0]) == _shown(answers[1])
        assert sorted(answers[0].headers) == sorted(answers[1].headers)
        assert rows.keys() <= BOOKKEEPING, (foreign, rows)


def _differing(
    found: dict[tuple[str, str], str], should: dict[tuple[str, str], str]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Address and role to what was answered and what the matrix says, where they differ."""
    return {key: (found[key], should[key]) for key in found if found[key] != should[key]}


def _seen(answer: Answer) -> str:
    """A status; of a redirect to the sign-in page, that it is one."""
    if answer.status_code == HTTPStatus.FOUND and answer["Location"].startswith("/sign-in/"):
        return "sign in first"
    return str(int(answer.status_code))


def _expected(door: Door | None, role: Role, answer: Answer, allowed: frozenset[int]) -> str:
    if door is None:
        return "405"
    denied = door(role)
    if denied:
        return denied
    # Several are right for somebody who may; which one is for the page's own tests.
    return str(int(answer.status_code)) if answer.status_code in allowed else f"one of {allowed}"


def _expected_change(route: str, role: Role, answer: Answer) -> str:
    page = PAGES[route]
    expected = _expected(page.post, role, answer, page.post_status)
    is_closed = role.account.status == "closed" and role.permissions is not None
    if is_closed and route.startswith(ACCOUNT) and page.post and not page.open_when_closed:
        return expected if expected in ("403", "404") else "409"
    return expected


def _is_denial(answer: Answer) -> bool:
    return _seen(answer) in ("sign in first", "403", "404", "405", "409")


def _shown(answer: Answer) -> list[str]:
    """The page without its CSRF tokens."""
    lines = answer.content.decode().splitlines()
    return [line for line in lines if "csrfmiddlewaretoken" not in line]
