"""`python manage.py …` as the documents write it: with whichever Python the shell finds."""

import shutil
import subprocess
import sys
from pathlib import Path

import django
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing but its commands."""
    shutil.copy(ROOT / "manage.py", tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "__init__.py").touch()
    return tmp_path


def run(checkout: Path, python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `manage.py version` from another folder."""
    command = [str(python), *arguments, str(checkout / "manage.py"), "version"]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def bare() -> tuple[Path, str]:
    """A Python without packages: the one behind this environment, told to look for none."""
    return Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}", "-S"


def test_a_python_without_packages_uses_the_projects_own(checkout: Path, bare: tuple[Path, str]) -> None:
    (checkout / ".venv").symlink_to(sys.prefix)
    found = run(checkout, *bare)
    assert (found.stdout.strip(), found.returncode) == (django.__version__, 0), found.stderr


def test_without_an_environment_one_line_names_the_command_that_makes_it(
    checkout: Path, bare: tuple[Path, str]
) -> None:
    found = run(checkout, *bare)
    assert found.returncode == 1
    [line] = found.stderr.splitlines()
    assert "`make run`" in line


def test_an_environment_without_packages_ends_in_the_same_line(checkout: Path, bare: tuple[Path, str]) -> None:
    python, _ = bare
    subprocess.run([python, "-m", "venv", "--without-pip", checkout / ".venv"], check=True, timeout=60)
    found = run(checkout, *bare)
    assert found.returncode == 1
    assert "`make run`" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_python_that_has_the_packages_is_kept(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/bin/false")
    found = run(checkout, Path(sys.executable))
    assert (found.stdout.strip(), found.returncode) == (django.__version__, 0), found.stderr
