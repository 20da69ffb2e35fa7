"""Every setting of the program, read from the environment. Importing this file starts nothing.

There are two ways to run, and the environment decides which:

*embedded*    neither ``DATABASE_URL`` nor ``REDIS_URL`` is set. PostgreSQL and Redis are the ones
              that ``make`` starts from Python packages, on unix sockets below ``var/``; secrets are
              files there; mail goes to a catcher on this machine; http is allowed.
*production*  both are set. Secrets, addresses and the operator's name are required, http is
              refused, and nothing is looked for below ``var/`` but the documents' default place.

docs/configuration.md lists the variables. A missing one is told by name at start, not at first use.
"""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from common.embedded.places import DATABASE, OWNER_ROLE, RUNTIME_ROLE, Places
from config.document_settings import documents_storage
from config.environment import Environment
from config.logs import logging_to_standard_error
from config.mail_settings import bounce_address, bounce_mailbox, webhook
from config.password_rules import PASSWORD_RULES
from config.sms_settings import price, sms_countries, sms_gateway
from config.two_factor_settings import RESET_LEAST, reset_delay

env = Environment()

BASE_DIR: Final = Path(__file__).resolve().parent.parent
_places: Final = Places.of_environment()
VAR_DIR: Final = _places.var

# --- Embedded or production ---------------------------------------------------------------------

_database_url: str = env.str("DATABASE_URL", default="")
_owner_url: str = env.str("DATABASE_OWNER_URL", default="")
_redis_url: str = env.str("REDIS_URL", default="")

if bool(_database_url) != bool(_redis_url):
    raise ImproperlyConfigured(
        "Set both DATABASE_URL and REDIS_URL, or neither to use the embedded servers."
    )

EMBEDDED: Final = not _database_url


def _secret(name: str) -> str:
    """The variable ``name``, or in embedded mode the file that ``make setup`` wrote for it."""
    if value := env.str(name, default=""):
        return str(value)
    if not EMBEDDED:
        raise ImproperlyConfigured(f"Set {name} to a random text of 50 characters or more.")
    file = _places.secret(name)
    if not file.exists():
        raise ImproperlyConfigured(f"{name} is neither set nor made yet: run `make setup`.")
    return file.read_text().strip()


def _required(name: str, *, embedded: str) -> str:
    """The variable ``name``; ``embedded`` stands in where a sample operator is good enough."""
    value = str(env.str(name, default=embedded if EMBEDDED else ""))
    if not value:
        raise ImproperlyConfigured(f"Set {name}; see docs/configuration.md.")
    return value


SECRET_KEY = _secret("SECRET_KEY")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
# Signs the links in emails (password reset, invitation). Not in the database, and not SECRET_KEY,
# so that either can be changed without the other. The first key signs, every key is accepted.
TOKEN_KEYS: list[str] = [_secret("TOKEN_KEY"), *env.list("TOKEN_KEY_FALLBACKS", default=[])]
# Encrypts the secrets of authenticator apps, and nothing else (manage.py renew_two_factor_secrets).
TWO_FACTOR_KEYS: list[str] = [
    _secret("TWO_FACTOR_KEY"),
    *env.list("TWO_FACTOR_KEY_FALLBACKS", default=[]),
]
TWO_FACTOR_RESET_DELAY: timedelta = reset_delay(env)
TWO_FACTOR_RESET_LEAST: timedelta = RESET_LEAST

# Off in production whatever the environment says: a traceback page shows settings to strangers.
DEBUG: bool = EMBEDDED and env.bool("DEBUG", default=False)

# --- Addresses ----------------------------------------------------------------------------------

PORT: int = env.int("PORT", default=8000)
# Every link in a mail starts with this, never with what a request calls the host.
SITE_URL = _required("SITE_URL", embedded=f"http://127.0.0.1:{PORT}").rstrip("/")
_site: Final = urlsplit(SITE_URL)
HTTPS: Final = _site.scheme == "https"

if not (HTTPS or env.bool("ALLOW_HTTP", default=EMBEDDED)):
    raise ImproperlyConfigured("SITE_URL must start with https:// (ALLOW_HTTP=1 permits http).")

ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS",
    default=["localhost", "127.0.0.1", "[::1]"] if EMBEDDED else [_site.hostname or ""],
)
CSRF_TRUSTED_ORIGINS: list[str] = [SITE_URL]
# How many proxies of ours stand in front: X-Forwarded-For counts from the right by as many
# (ASVS 15.3.4), and X-Forwarded-Proto is believed only when there is one.
TRUSTED_PROXY_COUNT: int = env.int("TRUSTED_PROXY_COUNT", default=0)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None

# --- The operator, as mails and pages name it ---------------------------------------------------

OPERATOR_NAME = _required("OPERATOR_NAME", embedded="Sample Operator")
OPERATOR_SUPPORT_EMAIL = _required("OPERATOR_SUPPORT_EMAIL", embedded="support@operator.example")

# ISO 4217. A new account gets its country's own if it is among these, else the first.
ACCOUNT_CURRENCIES: list[str] = env.list("ACCOUNT_CURRENCIES", default=["EUR", "GBP"])
# What adding somebody who has a user ID does: "ask" sends an invitation, as to everybody; "add"
# makes them a member at once, and so tells whoever adds them that the address has a user ID.
INVITE_EXISTING_USERS: str = env.str("INVITE_EXISTING_USERS", default="ask")
if INVITE_EXISTING_USERS not in {"ask", "add"}:
    raise ImproperlyConfigured("Set INVITE_EXISTING_USERS to ask or add.")

# --- Applications -------------------------------------------------------------------------------

INSTALLED_APPS: list[str] = [
    "common.apps.CommonConfig",
    "audit",
    "backups",
    "mail",
    "users",
    "twofactor",
    "accounts",
    "taxes",
    "invoices",
    "billing",
    "watching",
    "console",
    "portal",
    "config.apps.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "config.apps.CollectedFilesConfig",
    "django_otp",
    "django_htmx",
    "csp",
]

# The first three speak on every response, also on static files and on redirects to https. The
# fourth answers a load balancer, which asks by IP address and without https.
MIDDLEWARE: list[str] = [
    "portal.headers.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "watching.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.requests.NoNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "users.middleware.SessionUseMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "users.middleware.ReaderMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "twofactor.middleware.ConfirmationMiddleware",
    "portal.errors.RefusalMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.operator",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------


def _database() -> dict[str, Any]:
    """The database as the runtime role reaches it: its own login, or SET ROLE when embedded."""
    if not EMBEDDED:
        return dict(env.db_url_config(_database_url))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": env.str("COUNTERFOIL_DATABASE", default=DATABASE),
        "USER": OWNER_ROLE,
        "PASSWORD": "",
        "HOST": str(_places.postgres_socket.parent),
        "PORT": "",
        "OPTIONS": {"assume_role": RUNTIME_ROLE},
    }


def _owner_database() -> dict[str, Any]:
    """What differs for the owner role (see ``common.roles``); empty where it may not be taken."""
    if EMBEDDED:
        return {"OPTIONS": {}}
    if not _owner_url:
        return {}
    owner = dict(env.db_url_config(_owner_url))
    return {
        **{key: owner.get(key, "") for key in ("USER", "PASSWORD", "HOST", "PORT")},
        "OPTIONS": owner.get("OPTIONS", {}),
    }


DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_database(),
        "ATOMIC_REQUESTS": False,
        # Workers and web keep one connection each and notice when the server has restarted.
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=300),
        "CONN_HEALTH_CHECKS": True,
    }
}
OWNER_DATABASE: dict[str, Any] = _owner_database()
# Where pg_dump and pg_restore lie; empty means on PATH, or in the wheel when embedded.
POSTGRES_BIN: str = env.str("POSTGRES_BIN", default="")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: rings the bell -----------------------------------------------------------------------

REDIS_URL: str = _redis_url or f"unix://{_places.redis_socket}?db={env.int('REDIS_DB', default=0)}"
# A web request never waits longer than this for Redis, and never tries twice.
REDIS_TIMEOUT_SECONDS = 0.5

# --- People: signing in, passwords, sessions ----------------------------------------------------

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["users.backends.VerifiedUsersBackend"]
LOGIN_URL = "users:sign_in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # takes over imported hashes
]
AUTH_PASSWORD_VALIDATORS = PASSWORD_RULES

SESSION_ENGINE = "users.session_store"
# A session ends when it was not used for the first time, and after the second in any case.
SESSION_IDLE_LIMIT = timedelta(days=14)
SESSION_COOKIE_AGE = int(timedelta(days=30).total_seconds())
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Who sends codes by text message; empty sends none, and nobody is offered the method.
SMS_GATEWAY: str = sms_gateway(env, embedded=EMBEDDED)
# ISO 3166-1 alpha-2: countries whose numbers get messages.
SMS_COUNTRIES: list[str] = sms_countries(env)
# What a message is counted as, and how much all of one day (UTC) may cost: in any one currency.
SMS_PRICE: Decimal = price(env, "SMS_PRICE", default="0.10")
SMS_DAILY_CAP: Decimal = price(env, "SMS_DAILY_CAP", default="20.00")
TWILIO_ACCOUNT_SID: str = env.str("TWILIO_ACCOUNT_SID", default="")
TWILIO_AUTH_TOKEN: str = env.str("TWILIO_AUTH_TOKEN", default="")
# A number of Twilio's in E.164, or a messaging service (MG…).
TWILIO_SENDER: str = env.str("TWILIO_SENDER", default="")

# --- Browser security (checked by `manage.py check --deploy` in `make lint`) --------------------

# The prefix binds a cookie to this host and to https; browsers refuse it over http.
_cookie_prefix: Final = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_cookie_prefix}session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Names a browser in which somebody has signed in before (users.devices).
DEVICE_COOKIE_NAME = f"{_cookie_prefix}device"
CSRF_FAILURE_VIEW = "portal.errors.forged_form"
CSRF_COOKIE_NAME = f"{_cookie_prefix}csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_NAME = f"{_cookie_prefix}language"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"

SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": browsers would then send `Origin: null` with forms, and CSRF refuses those.
# Pages with a token in their URL answer with "no-referrer" themselves.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Language and time --------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES: list[tuple[str, str]] = [("en", "English"), ("de", "Deutsch"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Files --------------------------------------------------------------------------------------

# Issued documents: the operator's records. Back them up together with the database. They lie in a
# bucket if one is named, else in this folder.
DOCUMENTS_DIR = Path(env.str("DOCUMENTS_DIR", default=str(VAR_DIR / "documents")))

STATIC_URL = "/static/"
# Embedded serves the folders as they are; production what collectstatic gave hashed names.
_static_dir: Final = Path(env.str("STATIC_DIR", default=str(VAR_DIR / "static")))
STATIC_ROOT: Path | None = None if EMBEDDED else _static_dir
_node_modules: Final = BASE_DIR / "node_modules"
# Sellers' logos, by the file names that their rows carry.
LOGOS_DIR = Path(env.str("LOGOS_DIR", default=str(VAR_DIR / "logos")))
# The typefaces of invoices: TrueType files, never fetched while rendering.
FONTS_DIR = Path(env.str("FONTS_DIR", default=str(_node_modules / "@expo-google-fonts" / "inter")))
# Browser assets that `npm ci` fetched, and our own. Absent folders are left out, so that commands
# which serve no page work without them.
STATICFILES_DIRS: list[tuple[str, Path]] = [
    (prefix, folder)
    for prefix, folder in (
        ("", BASE_DIR / "static"),
        ("tabler/css", _node_modules / "@tabler" / "core" / "dist" / "css"),
        ("inter", _node_modules / "@fontsource-variable" / "inter"),
        ("htmx", _node_modules / "htmx.org" / "dist"),
    )
    if folder.is_dir()
]
WHITENOISE_USE_FINDERS = EMBEDDED
# Nobody else's pages have a use for them.
WHITENOISE_ALLOW_ALL_ORIGINS = False

# There is no "default" storage on purpose: a file field says where its files belong.
STORAGES: dict[str, dict[str, Any]] = {
    "documents": documents_storage(env, folder=DOCUMENTS_DIR),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}

# --- Mail ---------------------------------------------------------------------------------------

EMAIL_HOST = _required("EMAIL_HOST", embedded="127.0.0.1")
EMAIL_PORT: int = env.int("EMAIL_PORT", default=8025 if EMBEDDED else 587)
EMAIL_HOST_USER: str = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD: str = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_SSL: bool = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_USE_TLS: bool = env.bool("EMAIL_USE_TLS", default=not (EMBEDDED or EMAIL_USE_SSL))
EMAIL_TIMEOUT = 20  # seconds for each answer of the mail server
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default=OPERATOR_SUPPORT_EMAIL)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Who is told when something is wrong (watching).
ALARM_EMAIL: str = env.str("ALARM_EMAIL", default=OPERATOR_SUPPORT_EMAIL)
# What becomes of mail after a server took it: returned to this address (the envelope sender), read
# from this mailbox, and told by this email service.
BOUNCE_ADDRESS: str = bounce_address(env)
BOUNCE_MAILBOX_URL: str = bounce_mailbox(env, embedded=EMBEDDED)
MAIL_WEBHOOK_ESP, ANYMAIL = webhook(env)
# Where the mail catcher keeps what it accepted, for the mailbox page. Embedded mode only.
MAILBOX_DIR: Path | None = VAR_DIR / "mailbox" if EMBEDDED else None

# --- Workers ------------------------------------------------------------------------------------

# What a worker process may take before it gets a MemoryError, in MiB; 0 is no limit.
WORKER_MEMORY_LIMIT_MB: int = env.int("WORKER_MEMORY_LIMIT_MB", default=1152)

# --- Logging: to standard error, for whoever runs the process to keep ---------------------------

LOGGING: dict[str, Any] = logging_to_standard_error(level=env.str("LOG_LEVEL", default="INFO"))
