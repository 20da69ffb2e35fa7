"""The program's own settings, on servers, databases and folders that belong to one test session.

pytest-django reads settings before any conftest, so everything is chosen here, by the first process
of the session. Workers of pytest-xdist and programs that a test starts inherit it through the
environment. Servers: those of ``DATABASE_URL`` and ``REDIS_URL`` if set (``DATABASE_OWNER_URL``
must then name a login that may create databases), else embedded ones that end with the session.
"""

import os
import secrets
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

if "COUNTERFOIL_TEST_SESSION" not in os.environ:
    session = f"{os.getpid()}_{secrets.token_hex(4)}"
    os.environ["COUNTERFOIL_TEST_SESSION"] = session
    # Not below the checkout: sockets need a short path, and two sessions may run side by side.
    # Nobody makes the folder before the servers start (see conftest.py).
    os.environ["COUNTERFOIL_VAR"] = f"{tempfile.gettempdir()}/counterfoil-test-{session}"

# "main" without pytest-xdist, else gw0, gw1, …
TEST_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
_worker_dir = Path(os.environ["COUNTERFOIL_VAR"], TEST_WORKER)
_redis_db = 0 if TEST_WORKER == "main" else 1 + int(TEST_WORKER.removeprefix("gw"))

os.environ |= {
    "SECRET_KEY": "a secret of the tests, never used elsewhere, long enough",
    "TWO_FACTOR_KEY": "a third secret of the tests, never used elsewhere, long",
    "TOKEN_KEY": "another secret of the tests, never used elsewhere, long",
    "SITE_URL": "http://testserver",
    "ALLOW_HTTP": "1",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "OPERATOR_NAME": "Operator of the tests",
    "OPERATOR_SUPPORT_EMAIL": "support@operator.example",
    "EMAIL_HOST": "127.0.0.1",
    "EMAIL_USE_TLS": "0",
    "DOCUMENTS_DIR": str(_worker_dir / "documents"),
    "REDIS_DB": str(_redis_db),
}
if _given_redis := os.environ.get("REDIS_URL"):
    _numbered = (
        {"query": f"db={_redis_db}"} if _given_redis[:4] == "unix" else {"path": f"/{_redis_db}"}
    )
    os.environ["REDIS_URL"] = urlsplit(_given_redis)._replace(**_numbered).geturl()

from config.settings import *  # noqa: E402, F403 - reads the environment prepared above
from config.settings import DATABASES  # noqa: E402

TEST_TEMPLATE_DATABASE = f"counterfoil_test_{os.environ['COUNTERFOIL_TEST_SESSION']}"
DATABASES["default"]["NAME"] = f"{TEST_TEMPLATE_DATABASE}_{TEST_WORKER}"
MAILBOX_DIR = _worker_dir / "mailbox"

# What a password hash costs is not under test; that it is Argon2 is.
PASSWORD_HASHERS = ["tests.hashers.QuickArgon2PasswordHasher"]

# Each test client has middleware of its own, which would list every static file anew.
WHITENOISE_AUTOREFRESH = True
