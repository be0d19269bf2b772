"""Reads the environment, once and strictly, and states the configuration of the service.

Three profiles follow from what is set:

* **local** – neither ``DEBUG`` nor ``ALLOWED_HOSTS`` is set: answers only to loopback, asks for nothing.
* **debug** – ``DEBUG=true``: as local, with Django's error pages, and for the hosts that ``ALLOWED_HOSTS`` names.
* **production** – ``DEBUG=false`` or ``ALLOWED_HOSTS`` is set: keys and hosts must be given, cookies need HTTPS.

Any value that is not understood stops the start with one line, for every command.
"""

import base64
import binascii
import contextlib
import hmac
import logging
import re
import secrets
import sys
import tempfile
import tomllib
import traceback
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import environ
import structlog
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from compliance.database import BoundedConnection
from compliance.hostnames import network_name
from compliance.law import BadValue, Standing, read_standing
from compliance.law.variables import VARIABLES
from config import demo, dotenv

BASE_DIR: Final = Path(__file__).resolve().parent.parent
VAR: Final = BASE_DIR / "var"
#: As a URL: the checkout may lie in a folder whose name has `#`, `?` or `%` in it.
LOCAL_DATABASE: Final = f"sqlite:///{quote(str(VAR / 'todoke.sqlite3'))}"
#: The software's own version, as the ledger notes it at each start.
VERSION: Final[str] = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
KEY_BYTES: Final = 32
KEY_DISTINCT: Final = 12  # different bytes; of 32 random ones there are fewer once in 10^17 keys
SECRET_CHARS: Final = 32
LOOPBACK: Final = ["localhost", "127.0.0.1", "[::1]"]

env = environ.Env()


# -- Reading strictly ------------------------------------------------------------------------------------------------


def text(variable: str, default: str = "") -> str:
    """The value as it is written; an empty one counts as absent, as in a copied ``.env.example``.

    Not ``env.str``: that takes a value which begins with ``$``, as a password may, for the name of another variable.
    """
    return str(env.ENVIRON.get(variable, "")) or default


def choice(variable: str, accepted: Sequence[str], default: str) -> str:
    """One of the accepted words, exactly; django-environ's own ``bool`` would read a typo as false.

    Raises:
        BadValue: for anything else.
    """
    value = text(variable, default)
    if value not in accepted:
        raise BadValue(variable, value, tuple(accepted))
    return value


def number(variable: str, default: int, least: int, most: int) -> int:
    """A whole number between ``least`` and ``most``.

    Raises:
        BadValue: for anything else.
    """
    value = text(variable, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise BadValue(variable, value, (f"a whole number from {least} to {most}",))
    return int(value)


def words(variable: str) -> list[str]:
    """The comma-separated entries without blanks."""
    return [word.strip() for word in text(variable).split(",") if word.strip()]


def read_file() -> None:
    """Take what ``ENV_FILE`` says, where the environment itself says nothing.

    Raises:
        BadValue: when the file is named and cannot be read.
        BadLine: when it cannot be understood.
    """
    path = BASE_DIR / text("ENV_FILE", ".env")
    try:
        content = path.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not text("ENV_FILE"):
            return
        raise BadValue("ENV_FILE", str(path), (f"a file that can be read ({error.strerror})",)) from None
    for variable, value in dotenv.parse(content).items():
        env.ENVIRON.setdefault(variable, value)


def hosts() -> list[str]:
    """The entries of ``ALLOWED_HOSTS``, as browsers name them: 届け.example.jp in its form for the network.

    Raises:
        BadValue: for one with a scheme, a port or a path; for ``*`` in production.
    """
    found = []
    for host in words("ALLOWED_HOSTS"):
        try:
            if re.fullmatch(r"\[[0-9a-fA-F:.]+\]", host) or (host == "*" and not PRODUCTION):
                found.append(host)
            else:
                found.append("." * host.startswith(".") + network_name(host.removeprefix(".")))
        except ValueError:
            accepted = ("the public host names, comma separated, as chat.example.jp",)
            raise BadValue("ALLOWED_HOSTS", host, accepted) from None
    return found


def trusted_origins() -> list[str]:
    """The entries of ``CSRF_TRUSTED_ORIGINS``, as browsers name them.

    Raises:
        BadValue: for one that is no origin.
    """
    found = []
    for origin in words("CSRF_TRUSTED_ORIGINS"):
        parts = re.fullmatch(r"(https?://(?:\*\.)?)(\[[0-9a-fA-F:.]+\]|[^/:@\[\]?#*]+)(:[0-9]{1,5})?", origin)
        try:
            if parts is None:
                raise ValueError
            host = parts[2] if parts[2].startswith("[") else network_name(parts[2])
        except ValueError:
            accepted = ("origins with scheme, as https://chat.example.jp",)
            raise BadValue("CSRF_TRUSTED_ORIGINS", origin, accepted) from None
        found.append(parts[1] + host + (parts[3] or ""))
    return found


def sender() -> str:
    """The address from which mails come.

    Raises:
        BadValue: for one without a name or a host.
    """
    first = ALLOWED_HOSTS[0].lstrip(".")
    named = first if re.search(r"[a-z]", first) and not first.startswith("[") else "localhost"
    found = text("DEFAULT_FROM_EMAIL", f"todoke@{named}")
    if not re.fullmatch(r"[^@]+@[^@]+", found):
        raise BadValue("DEFAULT_FROM_EMAIL", found, ("an address, as chat@example.jp",))
    return found


def secret(variable: str, value: str) -> str:
    """A key that signs sessions and mails: long in production. What else Django asks, `check --deploy` says (W009).

    Raises:
        BadValue: without the value.
    """
    if PRODUCTION and (len(value) < SECRET_CHARS or value.startswith("django-insecure-")):
        raise BadValue(variable, "…" if value else "", (f"a random text of {SECRET_CHARS} characters or more",))
    return value


def redis_url() -> str:
    """``REDIS_URL``, if it names a server.

    Raises:
        BadValue: without the password that may stand in it.
    """
    value = text("REDIS_URL")
    if not value:
        return ""
    sound = False
    with contextlib.suppress(ValueError):  # of a port that is none
        parts = urlsplit(value)
        if parts.scheme == "unix":
            sound = bool(parts.path.strip("/"))
        elif parts.scheme in ("redis", "rediss"):
            sound = bool(parts.hostname) and parts.port != 0 and bool(re.fullmatch(r"/?[0-9]*", parts.path))
    if not sound:
        accepted = ("redis://host:port/number", "rediss://host:port/number", "unix://path")
        raise BadValue("REDIS_URL", value.partition(":")[0] + ":…", accepted)
    return value


def closed_chat_keys() -> list[bytes]:
    """The 32-byte keys of ``CLOSED_CHAT_KEYS``, newest first, each written as base64url or hex.

    Raises:
        BadValue: naming the entry by its position; a key never reaches the terminal.
    """
    keys = []
    for position, entry in enumerate(words("CLOSED_CHAT_KEYS"), start=1):
        try:
            hexadecimal = re.fullmatch(r"[0-9a-fA-F]{64}", entry)
            padded = entry + "=" * (-len(entry) % 4)
            key = bytes.fromhex(entry) if hexadecimal else base64.b64decode(padded, b"-_", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES or (PRODUCTION and len(set(key)) < KEY_DISTINCT):
            accepted = ("32 random bytes as base64url or hex, comma separated",)
            raise BadValue("CLOSED_CHAT_KEYS", f"entry {position}", accepted)
        if key in keys:
            raise BadValue("CLOSED_CHAT_KEYS", f"entry {position}", ("each key once",))
        keys.append(key)
    return keys


def local_secret() -> str:
    """A key made once for this checkout, so that nothing is asked locally and no two checkouts share one."""
    path = VAR / "secret-key"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=VAR) as draft:
            draft.write(secrets.token_urlsafe(48))
            draft.flush()
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft.name)  # atomic: a process that starts at the same moment finds all or nothing
    return path.read_text()


def derived_key(secret: str) -> bytes:
    """The closed-chat key of a local deployment: HKDF-SHA256 (RFC 5869) of the secret key."""
    extracted = hmac.digest(bytes(32), secret.encode(), "sha256")
    return hmac.digest(extracted, b"todoke closed chat\x01", "sha256")


def database(url: str) -> dict[str, Any]:
    """Django's description of the database at ``url``.

    Raises:
        BadValue: when the URL is neither SQLite nor PostgreSQL; its password stays out of the message.
    """
    accepted = ("sqlite:///path", "postgres://user:password@host:port/name")
    most = number("DATABASE_POOL", 8, 6, 500)
    found: dict[str, Any] = {}
    if url.startswith(("sqlite://", "postgres://", "postgresql://")):
        with contextlib.suppress(ValueError):
            found = env.db_url_config(url)
    if found.get("ENGINE") == "django.db.backends.sqlite3" and not str(found["NAME"]).startswith("file:"):
        path = Path(found["NAME"])
        return found | {
            # Seconds, on threads that stay: to open the file costs as much as a page's queries. No longer, because
            # another file may be put into its place.
            "CONN_MAX_AGE": 1,
            "OPTIONS": {
                "timeout": 2,  # s, for the one writer; then who waits is told so
                # Takes the write lock at BEGIN: a transaction waits its turn instead of failing half-way.
                "transaction_mode": "IMMEDIATE",
                # A receipt promises that the message is on disk, so a commit waits for it.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
            },
            "TEST": {"NAME": str(path.with_name(f"test_{path.name}"))},  # a file: processes and threads share it
        }
    if found.get("ENGINE") == "django.db.backends.postgresql":
        # Without an answer for so long, say so rather than wait; a lost connection is tried anew every few seconds. And
        # a host that vanished answers nothing at all: connecting to it (s), and waiting for it (ms), must end, too.
        waits = {"timeout": 3, "reconnect_timeout": 3}
        ends = {"connect_timeout": 2, "tcp_user_timeout": 10_000}
        pool = {"min_size": 1, "max_size": most, "connection_class": BoundedConnection, **waits}
        return found | {
            "OPTIONS": ends | found.get("OPTIONS", {}) | {"pool": pool},
            "CONN_HEALTH_CHECKS": True,
            # A pooler in transaction mode gives each transaction another session.
            "DISABLE_SERVER_SIDE_CURSORS": True,
        }
    raise BadValue("DATABASE_URL", url.partition(":")[0] + ":…", accepted)


# -- What the environment says ---------------------------------------------------------------------------------------

with contextlib.suppress(OSError):  # a read-only deployment keeps everything elsewhere
    VAR.mkdir(exist_ok=True)

try:
    read_file()
    #: Whether this process shows a specimen (`make demo`): its filing is invented, and everything says so.
    DEMO: bool = choice("DEMO", ("on", "off"), "off") == "on"
    if DEMO:
        # Not into the process's own environment: a server that this process starts must find it as it was.
        env.ENVIRON = {**env.ENVIRON, **demo.environment(env.ENVIRON, VAR)}
    #: Marks the SQLite file of a demo (`PRAGMA application_id`).
    DEMO_MARK: int = demo.APPLICATION_ID
    DEBUG: bool = choice("DEBUG", ("true", "false"), "false") == "true"
    PRODUCTION: bool = not DEBUG and bool(text("DEBUG") or text("ALLOWED_HOSTS"))
    HTTPS: bool = choice("HTTPS", ("on", "off"), "on" if PRODUCTION else "off") == "on"
    #: For which hosts browsers are told to use HTTPS only. More than this one is the decision of the domain's owner.
    HSTS: str = choice("HSTS", ("off", "on", "subdomains", "preload"), "on" if HTTPS else "off")

    ALLOWED_HOSTS: list[str] = hosts() or ([] if PRODUCTION else LOOPBACK)
    if not ALLOWED_HOSTS:
        raise BadValue("ALLOWED_HOSTS", "", ("the public host names, comma separated",))
    CSRF_TRUSTED_ORIGINS: list[str] = trusted_origins()

    SECRET_KEY: str = secret("SECRET_KEY", text("SECRET_KEY")) or local_secret()
    SECRET_KEY_FALLBACKS: list[str] = [secret("SECRET_KEY_FALLBACKS", key) for key in words("SECRET_KEY_FALLBACKS")]

    #: What the deployment has filed with the ministry; the deployer's key of the gate.
    STANDING: Standing = read_standing(
        {variable: env.ENVIRON[variable] for variable in VARIABLES if variable in env.ENVIRON},
        today=datetime.now(ZoneInfo("Asia/Tokyo")).date(),
    )
    #: Keys that seal closed rooms, newest first; empty in production unless given.
    CLOSED_CHAT_KEYS: list[bytes] = closed_chat_keys() or (
        [] if PRODUCTION else [derived_key(key) for key in dict.fromkeys((SECRET_KEY, *SECRET_KEY_FALLBACKS))]
    )
    #: The RFC 3161 authority that stamps the ledger's anchors; empty: none is asked.
    TIMESTAMP_URL: str = text("TIMESTAMP_URL")
    if TIMESTAMP_URL and not re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?", TIMESTAMP_URL):
        raise BadValue(
            "TIMESTAMP_URL", TIMESTAMP_URL.partition(":")[0] + ":…", ("https://host/path of an RFC 3161 authority",)
        )
    #: Off only for load tests on loopback.
    CHAT_RATE_LIMITS: bool = choice("CHAT_RATE_LIMITS", ("on", "off"), "on") == "on"

    DATABASES: dict[str, Any] = {"default": database(text("DATABASE_URL", LOCAL_DATABASE))}
    if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        demo.check_database(Path(DATABASES["default"]["NAME"]), demo=DEMO)
    REDIS_URL: str = redis_url()
    #: Tells two deployments apart that share one server.
    REDIS_PREFIX: str = text("REDIS_PREFIX", "todoke")
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", REDIS_PREFIX):
        raise BadValue("REDIS_PREFIX", REDIS_PREFIX, ("up to 60 letters, digits, dots and hyphens",))
    #: How many proxies of our own stand before the service; that many entries of X-Forwarded-For are believed.
    TRUSTED_PROXIES: int = number("TRUSTED_PROXIES", 0, 0, 10)
    LANGUAGE_CODE: str = choice("LANGUAGE_CODE", ("ja", "en"), "ja")
    LOG_LEVEL: str = choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")

    #: Where `collectstatic` puts the files.
    STATIC_ROOT: Path = Path(text("STATIC_ROOT", str(VAR / "static")))
    #: Where the files that prove the checklist's items are kept; nothing is served from there but to permitted staff.
    EVIDENCE_ROOT: Path = Path(text("EVIDENCE_ROOT", str(VAR / "evidence")))

    # What lies below STATIC_ROOT is served to everybody.
    for private in (
        EVIDENCE_ROOT,
        VAR / "secret-key",
        BASE_DIR / text("ENV_FILE", ".env"),
        DATABASES["default"]["NAME"],
    ):
        if Path(private).resolve().is_relative_to(STATIC_ROOT.resolve()):
            raise BadValue("STATIC_ROOT", str(STATIC_ROOT), (f"a folder without {private} in it",))

    MAIL_GIVEN: bool = bool(text("EMAIL_URL"))
    try:
        mail = env.email_url_config(text("EMAIL_URL", "smtp://localhost:25" if PRODUCTION else "consolemail://"))
    except (environ.ImproperlyConfigured, KeyError, ValueError):
        raise BadValue("EMAIL_URL", "…", ("smtp+tls://user:password@host:587", "consolemail://")) from None
    DEFAULT_FROM_EMAIL: str = sender()
except BadValue as problem:
    sys.exit(str(problem))
except demo.RefusedStart as problem:
    sys.exit(str(problem))
except dotenv.BadLine as problem:
    sys.exit(f"{text('ENV_FILE', '.env')}: {problem}")

EMAIL_BACKEND = mail["EMAIL_BACKEND"]
EMAIL_HOST = mail.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = mail.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = mail.get("EMAIL_FILE_PATH") or None
EMAIL_TIMEOUT = 10
SERVER_EMAIL = DEFAULT_FROM_EMAIL


# -- The house -------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "chat",
    "compliance",
    "compliance.adminkit.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
]
MIDDLEWARE = [
    "chat.web.middleware.ForwardedScheme",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "chat.web.middleware.Pages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "chat.people.sessions.Authentication",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "chat.people.preferences.PersonalPages",
    "chat.people.page_access.PageAccess",
    "compliance.records.powers.ActorMiddleware",
]
if DEMO:
    MIDDLEWARE.append("chat.demo.watch.watch_refusals")
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
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
                "compliance.gate.context",
                "compliance.powers.context",
                "chat.people.accounts.context",
                "chat.people.preferences.context",
                "chat.matching.doing.context",
                "chat.safety.shown.context",
            ],
            "libraries": {"links": "chat.text.links", "marks": "chat.text.marks"},
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        "BACKEND": "config.layer.SealedLayer",
        "CONFIG": {
            # With protocol 3 redis-py writes every publication into a log line that nobody keeps.
            "hosts": [{"address": REDIS_URL, "protocol": 2}],
            "prefix": REDIS_PREFIX,
            # What is closed travels closed: Redis, and whoever reads it, is no party to the talk.
            "keys": [SECRET_KEY, *SECRET_KEY_FALLBACKS],
        },
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
CACHES: dict[str, Any] = {
    # Limits that guard accounts live here (allauth takes no other): nobody pushes them out, no restart forgets them.
    "default": {"BACKEND": "config.cache.DurableCache", "KEY_PREFIX": "todoke"},
    #: What a process may forget at any time.
    "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

USE_TZ = True
TIME_ZONE = "Asia/Tokyo"
FORMAT_MODULE_PATH = "config.formats"
LANGUAGES = [("ja", _("Japanese")), ("en", _("English"))]
LANGUAGE_COOKIE_SAMESITE = "Lax"

STATIC_URL = "/static/"
with contextlib.suppress(OSError):
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static.Static" if PRODUCTION else "config.static.Plain"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False  # the files are for our own pages
WHITENOISE_AUTOREFRESH = not PRODUCTION
WHITENOISE_MAX_AGE = 60 if PRODUCTION else 0  # of plain names; hashed ones are kept for good


# -- People ----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "chat.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "compliance.powers.permissions.PowersBackend",  # signs nobody in
]
PASSWORD_HASHERS = [
    "chat.web.hashing.BoundedArgon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"

ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "chat.people.accounts.Adapter"
ACCOUNT_FORMS = {
    "signup": "chat.people.forms.SignupForm",
    "login": "chat.people.forms.LoginForm",
    "reset_password": "chat.people.forms.ResetPasswordForm",
    "add_email": "chat.people.forms.AddEmailForm",
    "change_email": "chat.people.forms.ChangeEmailForm",
    "confirm_email_verification_code": "chat.people.forms.ConfirmEmailForm",
}
# Adding and removing addresses, choosing the main one and setting a password ask who one is again.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
if DEMO:
    ACCOUNT_REAUTHENTICATION_TIMEOUT = 24 * 3600  # the cast has no password to enter again
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
# A code can be typed on the phone that shows the page; a link would open in the mail program's own browser.
# Without a mail server (locally) nobody could ever be verified, so there it is not asked.
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if PRODUCTION or MAIL_GIVEN else "optional"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = ACCOUNT_EMAIL_VERIFICATION == "mandatory"
#: Per address ("ip", of IPv6 the /64), account ("user") or name that was typed ("key"). A school or an office is one
#: address; an attempt that succeeds does not count as failed.
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = (
    {"login": "60/m/ip", "login_failed": "30/m/ip,5/5m/key", "signup": "40/m/ip", "reset_password": "20/m/ip,5/m/key"}
    if CHAT_RATE_LIMITS
    else False
)

MFA_FORMS = {
    "authenticate": "chat.people.forms.AuthenticateForm",
    "reauthenticate": "chat.people.forms.ReauthenticateForm",
    "activate_totp": "chat.people.forms.ActivateTOTPForm",
    "add_webauthn": "chat.people.forms.AddWebAuthnForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_TOTP_ISSUER = "Todoke"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION


# -- Safety ----------------------------------------------------------------------------------------------------------

SESSION_ENGINE = "chat.people.session_store"
SESSION_COOKIE_AGE = 14 * 24 * 3600  # since the last use
SESSION_COOKIE_NAME = "demo_sessionid" if DEMO else "sessionid"  # one host may serve both
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS and HSTS != "off" else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HSTS in ("subdomains", "preload")
SECURE_HSTS_PRELOAD = HSTS == "preload"
# Django would have every deployment speak for all subdomains, and for the lists inside browsers.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# Only a proxy of our own can say which scheme the browser used.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = HTTPS and TRUSTED_PROXIES > 0
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],  # covers the socket of the same host (CSP level 3)
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
#: How many bytes a request's body may have; at the doors below, whose paths are patterns, as many as stand there.
BODY_BYTES: int = 64 * 1024
BODY_LIMITS: list[tuple[str, int]] = [
    (r"/admin/compliance/checklist/[^/]+/$", 101 * 1024 * 1024),  # a signature's ten files
    (r"/legal/requests/$", 11 * 1024 * 1024),  # one file
    (r"/desk/cases/[^/]+/$", 11 * 1024 * 1024),  # one file of a case
    (r"/admin/", 1024 * 1024),
]
#: A request's head must be there in so many seconds; so must its body, with more time for what has come already.
HEAD_SECONDS: float = 20.0
BODY_SECONDS: float = 20.0
BODY_BYTES_PER_SECOND: int = 8 * 1024
IDLE_SECONDS: float = 75.0  # between two requests of a connection: longer than proxies keep theirs


# -- Chat ------------------------------------------------------------------------------------------------------------

#: Sizes in characters or bytes, times in seconds, the rest in pieces.
CHAT_LIMITS: dict[str, int] = {
    "message_chars": 2_000,
    "frame_bytes": 16_384,
    "page": 50,
    "page_most": 200,
    "rooms_per_socket": 50,
    "sockets_per_address": 500,
    "bad_frames": 5,
    "heartbeat": 25,
    "max_age": 6 * 3600,
    "message_seconds": 30,
}
#: Token buckets by action: how many at once, and how many come back per second.
CHAT_RATES: dict[str, tuple[int, float]] = {
    "frame": (200, 50.0),
    "post": (30, 3.0),
    "post_address": (300, 30.0),
    "post_room": (600, 200.0),
    "join": (60, 5.0),
    "join_address": (300, 30.0),
    "read": (60, 10.0),
    "read_address": (150, 30.0),
    "typing": (10, 1.0),
    "seek": (10, 0.5),
    "block": (20, 0.2),
    "report": (10, 0.02),
    "report_address": (30, 0.1),
    "guest": (20, 0.2),
    "room": (5, 0.02),
    "export": (3, 0.001),
    "name": (5, 0.002),
    "connect": (200, 20.0),
    "request": (200, 20.0),
}


# -- Logs: ids and counts, never what people say ---------------------------------------------------------------------

DATABASES_SPEAKING: Final = ("django.db.", "psycopg.", "sqlite3.")


def trace(exc_info: structlog.typing.ExcInfo) -> str:
    """A traceback in which databases are not quoted: what one says of a failure may hold the row, and words in it."""
    parts: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        kind = type(error)
        name = f"{kind.__module__}.{kind.__qualname__}"
        told = f"sqlstate {getattr(error, 'sqlstate', None)}" if name.startswith(DATABASES_SPEAKING) else str(error)
        parts.append("".join(traceback.format_tb(error.__traceback__)) + f"{name}: {told}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n-- after --\n".join(reversed(parts))


_shared: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
structlog.configure(
    processors=[*_shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[LOG_LEVEL]),
    cache_logger_on_first_use=False,
)
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(
                    [
                        structlog.processors.ExceptionRenderer(trace),
                        structlog.processors.JSONRenderer(ensure_ascii=False),
                    ]
                    if PRODUCTION
                    else [
                        structlog.dev.ConsoleRenderer(
                            colors=False, exception_formatter=lambda out, error: print("\n" + trace(error), file=out)
                        )
                    ]
                ),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": LOG_LEVEL, "handlers": [], "propagate": True},
        "daphne": {"level": "WARNING"},
        # These would print statements and frames, whatever LOG_LEVEL asks of the service.
        "django.db.backends": {"level": "WARNING"},
        "websockets": {"level": "WARNING"},
        # Its every second without Redis is a traceback; the hub says once that the layer is gone.
        "channels_redis": {"level": "CRITICAL"},
    },
}
