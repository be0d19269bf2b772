"""The start is strict: what is not understood, or missing in production, ends it with one line."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KEY = "x" * 60


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
        ("TELECOM_REGISTRATION", "ture"),
        ("TELECOM_REGISTRATION", "Notified "),
        ("COMPLIANCE_CHECKLIST", "off"),
        ("CHAT_RATE_LIMITS", "false"),
        ("DATABASE_URL", "mysql://host/name"),
        ("DATABASE_URL", "postgres://user@host:port/name"),
        ("DATABASE_POOL", "5"),
        ("REDIS_URL", "http://host"),
        ("EMAIL_URL", "pigeon://host"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "one"),
        ("LANGUAGE_CODE", "de"),
        ("LOG_LEVEL", "info"),
        ("CSRF_TRUSTED_ORIGINS", "chat.example.jp"),
        ("CLOSED_CHAT_KEYS", "short"),
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
        ("EMAIL_URL", "pigeon://user:hunter2@host"),
        ("CLOSED_CHAT_KEYS", "hunter2"),
    ],
)
def test_a_refused_value_keeps_its_secret(variable: str, value: str) -> None:
    assert "hunter2" not in start(**{variable: value}).stderr


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


def test_production_protects_its_cookies_and_derives_no_key() -> None:
    code = "print(settings.SESSION_COOKIE_SECURE, settings.SECURE_HSTS_SECONDS > 0, settings.CLOSED_CHAT_KEYS)"
    assert start(code, ALLOWED_HOSTS="chat.example.jp", SECRET_KEY=KEY).stdout == "True True []\n"


def test_keys_are_read_newest_first_in_both_spellings() -> None:
    code = "print([key[:1] for key in settings.CLOSED_CHAT_KEYS])"
    newest, former = "Ag" + "A" * 41, "01" + "00" * 31
    assert start(code, CLOSED_CHAT_KEYS=f"{newest}, {former}").stdout == "[b'\\x02', b'\\x01']\n"


def test_a_value_may_begin_with_a_dollar_sign() -> None:
    assert start("print(settings.SECRET_KEY)", SECRET_KEY="$HOME").stdout == "$HOME\n"
