"""docker-compose.yml, started without a container engine: what it says works, in its order.

The servers are not the embedded ones: PostgreSQL with two logins and passwords, made by the script
that the image runs, and Redis, both over TCP.
"""

import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.deployment.compose import (
    ROOT,
    Service,
    read_env_file,
    services,
    static_files_asked_for,
)
from tests.deployment.engine import Engine, EngineError
from tests.invoices.pdfs import text_of
from tests.mail.sink import Sink, running_sink
from tests.reliability.charges import CURRENCY, SELLER, Scene, charges_for, write_file

pytestmark = pytest.mark.slow

_SCENE = Scene(customers=3)
_ARRIVAL_SECONDS = 90


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture
def engine(sink: Sink) -> Iterator[Engine]:
    """With secrets as scripts/make_secrets.sh makes them, and a filled-in counterfoil.env."""
    # A short path: PostgreSQL's socket is below it.
    folder = Path(tempfile.mkdtemp(prefix="counterfoil-compose-"))
    env_file = read_env_file((ROOT / "config" / "compose.env.example").read_text())
    mail = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(sink.port), "EMAIL_USE_TLS": "0"}
    engine = Engine(folder, {**env_file, **mail})
    subprocess.run(
        [ROOT / "scripts" / "make_secrets.sh", engine.secrets],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for role in ("owner", "runtime"):
        url = engine.secrets / f"database_{role}_url"
        here = url.read_text().replace("@postgres:5432", f"@127.0.0.1:{engine.port('postgres')}")
        url.write_text(here)
    try:
        yield engine
    finally:
        engine.kill()
        shutil.rmtree(folder)


def test_invoices_arrive_and_everything_stops_in_time(
    engine: Engine, sink: Sink, tmp_path: Path
) -> None:
    wanted = services()
    _collect_static_files(engine, wanted["web"])

    engine.up(wanted)

    assert engine.started.index("migrate") < engine.started.index("web")
    _assert_pages_are_served(engine)
    _bill(engine, wanted["web"], tmp_path)
    _assert_all_have_arrived(sink)
    _assert_roles_are_apart(engine, wanted["web"])
    _assert_backup_holds_them(engine)
    stopped = engine.down()
    assert set(stopped) == set(wanted) - {"migrate"}
    assert {name: status for name, status in stopped.items() if status != 0} == {}


def test_what_depends_on_the_migration_is_not_started_when_it_fails(engine: Engine) -> None:
    wrong = engine.secrets / "database_owner_url"
    wrong.write_text(wrong.read_text().replace("counterfoil_owner:", "counterfoil_owner:not"))

    with pytest.raises(EngineError, match="password authentication failed"):
        engine.up(services())

    assert set(engine.started) == {"postgres", "redis", "migrate"}


def test_a_wrong_order_is_noticed(engine: Engine) -> None:
    """So that the first test's success says something about the order in the file."""
    wanted = services()
    hasty = {**wanted["migrate"].raw, "depends_on": {}}

    with pytest.raises(EngineError, match="migrate ended with"):
        engine.up({"migrate": Service("migrate", hasty), "redis": wanted["redis"]})


# --- Steps --------------------------------------------------------------------------------------


def _collect_static_files(engine: Engine, web: Service) -> None:
    """As the Dockerfile does while the image is built: all that pages ask for, compressed."""
    engine.run(web, "python", "manage.py", "collectstatic", "--no-input")
    folder = engine.folder / "collected"
    hashed = json.loads((folder / "staticfiles.json").read_text())["paths"]
    wanted = static_files_asked_for()
    assert len(wanted) >= 5
    assert wanted - hashed.keys() == set()
    assert all((folder / f"{hashed[name]}.br").exists() for name in wanted)


def _assert_pages_are_served(engine: Engine) -> None:
    """To whoever comes through a proxy that terminates https, and to nobody else."""
    for name in ("web", "web-2"):
        page = _get(engine, name, "/sign-in/", proxied=True)
        start = page.index("/static/")
        style_sheet = page[start : page.index('"', start)]
        assert _get(engine, name, style_sheet, proxied=True)
        with pytest.raises(urllib.error.HTTPError, match="301"):
            _get(engine, name, "/sign-in/", proxied=False)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def _get(engine: Engine, name: str, path: str, *, proxied: bool) -> str:
    host = urlsplit(engine.env_file["SITE_URL"]).netloc
    headers = {"Host": host, **({"X-Forwarded-Proto": "https"} if proxied else {})}
    request = urllib.request.Request(f"http://127.0.0.1:{engine.port(name)}{path}", headers=headers)
    with urllib.request.build_opener(_NoRedirect()).open(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content.decode()


def _assert_roles_are_apart(engine: Engine, web: Service) -> None:
    """The program signs in as a login that owns nothing and cannot become the owner."""
    ask = (
        "from django.db import connection as c; k = c.cursor();"
        " k.execute('SELECT session_user'); print(k.fetchone()[0])"
    )
    said = engine.run(web, "python", "manage.py", "shell", "--verbosity", "0", "--command", ask)
    assert said.strip() == "counterfoil_runtime"
    with _signed_in(engine, "owner") as owner:
        owners = owner.execute("SELECT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert {name for (name,) in owners} == {"counterfoil_owner"}
    with _signed_in(engine, "runtime") as runtime:
        for forbidden in ("SET ROLE counterfoil_owner", "CREATE TABLE of_its_own ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                runtime.execute(forbidden)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        _signed_in(engine, "runtime", password="a guess")


def _assert_backup_holds_them(engine: Engine) -> None:
    said = engine.run(services(profiles=["backup"])["backup"])
    # Each a PDF and an e-invoice.
    assert f"{2 * _SCENE.customers} documents" in said


def _signed_in(engine: Engine, role: str, **other: str) -> psycopg.Connection:
    url = (engine.secrets / f"database_{role}_url").read_text()
    return psycopg.connect(make_conninfo(url, **other), autocommit=True)


def _bill(engine: Engine, web: Service, folder: Path) -> None:
    """What an operator does beside the running services, with web's environment."""
    settings = {"DJANGO_SETTINGS_MODULE": "config.settings"}
    charges = write_file(charges_for(_SCENE), folder / "charges.csv")
    manage = ("python", "manage.py")
    engine.run(
        web,
        *(*manage, "createsuperuser", "--no-input", "--email", "staff@operator.example"),
        DJANGO_SUPERUSER_PASSWORD="a passphrase of the test",
    )
    engine.run(web, "python", "-m", "tests.reliability.stage", str(_SCENE.customers), **settings)
    engine.run(
        web,
        *(*manage, "import_charges", str(charges)),
        *("--seller", SELLER, "--currency", CURRENCY),
    )
    engine.run(web, *manage, "bill", "--approve")


def _assert_all_have_arrived(sink: Sink) -> None:
    """Each recipient of each customer gets one message with the PDF of their invoice."""
    wanted = {
        address: account for account in _SCENE.accounts for address in _SCENE.recipients_of(account)
    }
    deadline = time.monotonic() + _ARRIVAL_SECONDS
    while len(sink.accepted) < len(wanted) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sorted(message.recipient for message in sink.accepted) == sorted(wanted)
    for accepted in sink.accepted:
        (attached,) = accepted.message.iter_attachments()
        pdf = attached.get_payload(decode=True)
        assert isinstance(pdf, bytes)
        assert f"Customer {wanted[accepted.recipient]}" in text_of(pdf)
