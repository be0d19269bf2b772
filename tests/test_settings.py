"""The start is strict: what is not understood, or missing in production, ends it with one line."""

import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
KEY = "for tests only, and as long as one that secrets.token_urlsafe(48) makes"
SEAL = "000102030405060708090a0b0c0d0e0f" * 2


def start(code: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Reads the settings in a process that has nothing but these variables, then runs the code."""
    return subprocess.run(
        [sys.executable, "-c", f"import config\nfrom django.conf import settings\nsettings.DEBUG\n{code}"],
        cwd=ROOT,
        env={"ENV_FILE": "/dev/null", "PATH": "/usr/bin:/bin"} | env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEBUG", "True"),
        ("HTTPS", "yes"),
        ("HSTS", "yes"),
        ("TELECOM_REGISTRATION", "ture"),
        ("TELECOM_REGISTRATION", "Notified "),
        ("COMPLIANCE_CHECKLIST", "off"),
        ("CHAT_RATE_LIMITS", "false"),
        ("DATABASE_URL", "mysql://host/name"),
        ("DATABASE_URL", "postgres://user@host:port/name"),
        ("DATABASE_POOL", "5"),
        ("REDIS_URL", "http://host"),
        ("EMAIL_URL", "pigeon://host"),
        ("TIMESTAMP_URL", "http://tsa.example.jp/"),
        ("TIMESTAMP_URL", "tsa.example.jp"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "one"),
        ("LANGUAGE_CODE", "de"),
        ("LOG_LEVEL", "info"),
        ("CSRF_TRUSTED_ORIGINS", "chat.example.jp"),
        ("CLOSED_CHAT_KEYS", "short"),
        ("CLOSED_CHAT_KEYS", f"{SEAL},{SEAL}"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://host:port"),
        ("REDIS_URL", "redis://host/name"),
        ("REDIS_URL", "unix://"),
        ("REDIS_PREFIX", "two words"),
        ("DATABASE_POOL", "-1"),
        ("DATABASE_POOL", "many"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "https://chat.example.jp"),
        ("ALLOWED_HOSTS", "chat.example.jp:443"),
        ("ALLOWED_HOSTS", "届け..jp"),
        ("ALLOWED_HOSTS", "-届け.example.jp"),
        ("ALLOWED_HOSTS", "xn--a-"),
        ("ALLOWED_HOSTS", "x" * 64 + ".jp"),
        ("CSRF_TRUSTED_ORIGINS", "https://-届け.example.jp"),
        ("CSRF_TRUSTED_ORIGINS", "https://chat.example.jp/path"),
        ("DEFAULT_FROM_EMAIL", "nobody"),
        ("STATIC_ROOT", str(ROOT)),
        ("ENV_FILE", "no-such-file"),
    ],
)
def test_a_value_that_is_not_understood_stops_the_start_with_one_line(variable: str, value: str) -> None:
    done = start(**{variable: value})
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{variable}=")


@pytest.mark.parametrize(
    ("env", "missing"),
    [
        ({"DEBUG": "false"}, "ALLOWED_HOSTS"),
        ({"DEBUG": "false", "ALLOWED_HOSTS": "*", "SECRET_KEY": KEY}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "chat.example.jp"}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": "chat.example.jp", "SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": "chat.example.jp", "SECRET_KEY": "x" * 31}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": "chat.example.jp", "SECRET_KEY": f"django-insecure-{KEY}"}, "SECRET_KEY"),
        (
            {"ALLOWED_HOSTS": "chat.example.jp", "SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": "old"},
            "SECRET_KEY_FALLBACKS",
        ),
        ({"ALLOWED_HOSTS": "chat.example.jp", "SECRET_KEY": KEY, "CLOSED_CHAT_KEYS": "00" * 32}, "CLOSED_CHAT_KEYS"),
        ({"ALLOWED_HOSTS": "chat.example.jp", "SECRET_KEY": KEY, "CLOSED_CHAT_KEYS": "ab" * 32}, "CLOSED_CHAT_KEYS"),
    ],
)
def test_production_names_its_hosts_and_its_key(env: dict[str, str], missing: str) -> None:
    done = start(**env)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{missing}=")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://user:hunter2@host/name"),
        ("REDIS_URL", "http://:hunter2@host"),
        ("TIMESTAMP_URL", "https://user:hunter2@tsa.example.jp/"),
        ("EMAIL_URL", "pigeon://user:hunter2@host"),
        ("CLOSED_CHAT_KEYS", "hunter2"),
        ("SECRET_KEY", "hunter2"),
    ],
)
def test_a_refused_value_keeps_its_secret(variable: str, value: str) -> None:
    assert "hunter2" not in start(**{"ALLOWED_HOSTS": "chat.example.jp", variable: value}).stderr


def test_a_command_stops_as_the_server_does() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=ROOT,
        env={"ENV_FILE": "/dev/null", "TELECOM_REGISTRATION": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_nothing_set_is_a_local_service_that_answers_loopback_only() -> None:
    code = "print(settings.DEBUG, settings.PRODUCTION, settings.ALLOWED_HOSTS, len(settings.CLOSED_CHAT_KEYS))"
    assert start(code).stdout == "False False ['localhost', '127.0.0.1', '[::1]'] 1\n"


def test_closed_talk_of_a_local_service_opens_with_the_keys_of_earlier_secrets() -> None:
    code = "print([key.hex() for key in settings.CLOSED_CHAT_KEYS])"
    [old] = eval(start(code, SECRET_KEY="the former secret").stdout)  # noqa: S307 -- printed by us
    both = eval(start(code, SECRET_KEY="the next secret", SECRET_KEY_FALLBACKS="the former secret").stdout)  # noqa: S307
    assert both[1:] == [old]


@pytest.mark.parametrize(
    "host", ["届け.example.jp", "届け．ｅｘａｍｐｌｅ。JP", "xn--08jw73k.example.jp", "XN--08JW73K.Example.JP"]
)
def test_japanese_host_names_are_taken_as_browsers_send_them(host: str) -> None:
    code = """
import django
django.setup()
from django.core.mail import EmailMessage
from django.test import Client, RequestFactory
from chat.people.accounts import _Site, origin
from chat.realtime.handshake import _is_ours
asked = RequestFactory().get("/", HTTP_HOST="xn--08jw73k.example.jp", secure=True)
print(settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS, settings.DEFAULT_FROM_EMAIL)
print(asked.get_host(), origin(asked), _Site(asked).domain, EmailMessage("a", "b", to=["a@b.jp"]).message()["From"])
scope = {"scheme": "wss", "headers": [(b"host", b"xn--08jw73k.example.jp")]}
print(*(_is_ours(f"https://xn--08jw73k.example.jp{port}", scope, None) for port in ("", ":8443")))
"""
    done = start(
        code,
        ALLOWED_HOSTS=f"{host}, .{host}",
        CSRF_TRUSTED_ORIGINS=f"https://{host}:8443,https://*.{host}",
        SECRET_KEY=KEY,
    )
    name = "xn--08jw73k.example.jp"
    assert done.stdout.splitlines() == [
        f"['{name}', '.{name}'] ['https://{name}:8443', 'https://*.{name}'] todoke@{name}",
        f"{name} https://{name}:8443 届け.example.jp:8443 todoke@{name}",
        "True True",
    ], done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_mails_of_an_address_come_from_localhost(host: str) -> None:
    assert (
        start("print(settings.DEFAULT_FROM_EMAIL)", ALLOWED_HOSTS=host, SECRET_KEY=KEY).stdout == "todoke@localhost\n"
    )


def test_production_protects_its_cookies_and_derives_no_key() -> None:
    code = "print(settings.SESSION_COOKIE_SECURE, settings.SECURE_HSTS_SECONDS > 0, settings.CLOSED_CHAT_KEYS)"
    assert start(code, ALLOWED_HOSTS="chat.example.jp", SECRET_KEY=KEY).stdout == "True True []\n"


@pytest.mark.parametrize(
    ("hsts", "said"),
    [
        ("", "True False False"),
        ("subdomains", "True True False"),
        ("preload", "True True True"),
        ("off", "False False False"),
    ],
)
def test_hsts_speaks_for_this_host_only_unless_it_is_told(hsts: str, said: str) -> None:
    names = ("SECONDS", "INCLUDE_SUBDOMAINS", "PRELOAD")
    code = f"print({', '.join(f'bool(settings.SECURE_HSTS_{name})' for name in names)})"
    assert start(code, ALLOWED_HOSTS="chat.example.jp", SECRET_KEY=KEY, HSTS=hsts).stdout == f"{said}\n"


@pytest.mark.parametrize("name", ["issue #7", "what?", "100%25 done", "一覧 + more", "a&b=c;d@e:f"])
def test_checkout_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    checkout = tmp_path / name
    checkout.mkdir()
    shutil.copytree(ROOT / "config", checkout / "config", ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("compliance", "chat", "templates", "pyproject.toml"):
        (checkout / part).symlink_to(ROOT / part)
    code = (
        "import config, django; django.setup()\n"
        "from django.db import connection\n"
        "connection.ensure_connection(); print(connection.settings_dict['NAME'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env={"ENV_FILE": "/dev/null", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{checkout / 'var' / 'todoke.sqlite3'}\n", done.stderr
    assert (checkout / "var" / "todoke.sqlite3").exists()


def test_keys_are_read_newest_first_in_both_spellings() -> None:
    code = "print([key[:1] for key in settings.CLOSED_CHAT_KEYS])"
    newest = urlsafe_b64encode(bytes.fromhex(f"02{SEAL[2:]}")).decode().rstrip("=")
    former = f"01{SEAL[2:]}"
    assert start(code, CLOSED_CHAT_KEYS=f"{newest}, {former}").stdout == "[b'\\x02', b'\\x01']\n"


def test_a_value_may_begin_with_a_dollar_sign() -> None:
    assert start("print(settings.SECRET_KEY)", SECRET_KEY="$HOME").stdout == "$HOME\n"


# The file -------------------------------------------------------------------------------------------------------------


def in_file(
    tmp_path: Path, content: bytes, code: str = "print(settings.SECRET_KEY)"
) -> subprocess.CompletedProcess[str]:
    """Reads the settings with this file."""
    (tmp_path / "env").write_bytes(content)
    return start(code, ENV_FILE=str(tmp_path / "env"))


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"\xef\xbb\xbfSECRET_KEY=first\nHTTPS=off\n", "first"),
        (b"SECRET_KEY=first\r\nHTTPS=off\r\n", "first"),
        (b"SECRET_KEY=value # a comment\n", "value"),
        (b"SECRET_KEY=value\t# a comment\n", "value"),
        (b"SECRET_KEY=with#sign\n", "with#sign"),
        (b"SECRET_KEY=#sign\n", "#sign"),
        (b"SECRET_KEY='value # no comment' # a comment\n", "value # no comment"),
        (b'SECRET_KEY="a \\"quoted\\" # one"\n', 'a "quoted" # one'),
        (b"  export SECRET_KEY = value  \n", "value"),
        (b"# comment\n\nSECRET_KEY=value", "value"),
    ],
)
def test_the_file_is_read_as_it_is_meant(tmp_path: Path, content: bytes, value: str) -> None:
    done = in_file(tmp_path, content)
    assert done.stdout == f"{value}\n", done.stderr


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"SECRET_KEY=hunter2\nSECRET_KEY=hunter3\n", "line 2"),
        (b"HTTPS=off\nhunter2\n", "line 2"),
        (b"SECRET_KEY='hunter2\n", "line 1"),
        (b"SECRET_KEY='hunter2' and more\n", "line 1"),
        ("\ufeffSECRET_KEY=hunter2".encode("utf-16-le"), "UTF-8"),
    ],
)
def test_a_file_that_cannot_be_understood_stops_the_start_with_one_line(
    tmp_path: Path, content: bytes, line: str
) -> None:
    done = in_file(tmp_path, content)
    assert done.returncode == 1
    [said] = done.stderr.splitlines()
    assert line in said
    assert "hunter" not in said
