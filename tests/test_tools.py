"""The tools that guard the project: what they look at, and that nothing ties them to one place."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests import dead_code

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "package-lock.json", ".npmrc"])
def test_no_list_of_packages_names_a_host(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()


def test_every_package_for_the_scripts_is_locked_by_its_hash_and_for_development_only() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    packages = {name: package for name, package in lock.items() if name}
    assert packages
    assert [name for name, package in packages.items() if not package.get("integrity")] == []
    assert [name for name, package in packages.items() if not package.get("dev")] == []


def test_every_script_of_the_page_is_under_strict_types() -> None:
    config = json.loads((ROOT / "tsconfig.json").read_text())
    assert config["compilerOptions"]["strict"]
    assert config["compilerOptions"]["checkJs"]
    scripts = [
        path.relative_to(ROOT) for app in ("chat", "compliance", "templates") for path in (ROOT / app).rglob("*.js")
    ]
    assert scripts
    assert [path for path in scripts if not any(fnmatch(str(path), one) for one in config["include"])] == []
    assert [path for path in scripts if "@ts-nocheck" in (ROOT / path).read_text()] == []


def test_the_forge_runs_the_projects_own_script_and_nothing_else() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert re.findall(r"\brun: (.+)", workflow) == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_the_licence_is_one_in_every_place_that_names_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == json.loads((ROOT / "package.json").read_text())["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / project["license-files"][0]).read_text()


def collected(*arguments: str) -> list[str]:
    """Returns the tests of two files in the order in which they would run."""
    files = ("tests/e2e/test_policy.py", "tests/compliance/law/test_classify.py")
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments, *files]
    env = os.environ | {"TODOKE_TEST_BACKEND": "sqlite", "PYTEST_ADDOPTS": ""}
    found = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=120)
    return [line for line in found.stdout.splitlines() if "::" in line]


@pytest.mark.slow
def test_a_seed_draws_an_order_that_can_be_repeated_with_the_browser_last() -> None:
    first, again = (collected("--randomly-seed=1") for _ in range(2))
    assert first == again
    assert first != sorted(first)
    in_the_browser = [line.startswith("tests/e2e/") for line in first]
    assert in_the_browser == sorted(in_the_browser)
    assert any(in_the_browser)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], list[str]]:
    """Searches an application that is one module of this text."""

    def search(text: str) -> list[str]:
        (tmp_path / "app").mkdir()
        (tmp_path / "tests").mkdir()
        (tmp_path / "templates").mkdir()
        (tmp_path / "templates" / "page.html").write_text("{% if page.shown %}{{ page.words|upper }}{% endif %}")
        (tmp_path / "app" / "page.py").write_text(text)
        (tmp_path / "tests" / "test_page.py").write_text("from app.page import tested; tested()")
        monkeypatch.setattr(dead_code, "ROOT", tmp_path)
        monkeypatch.setattr(dead_code, "APPLICATION", [tmp_path / "app"])
        monkeypatch.setattr(dead_code, "TESTS", tmp_path / "tests")
        return list(dead_code.faults())

    return search


@pytest.mark.parametrize("name", ["forgotten", "tested", "endif"])
def test_a_function_that_nothing_but_a_test_uses_is_found(only: Callable[[str], list[str]], name: str) -> None:
    assert f"app/page.py:1: unused function '{name}'" in only(f"def {name}(): pass")


@pytest.mark.parametrize("name", ["shown", "words"])
def test_what_a_template_names_is_used(only: Callable[[str], list[str]], name: str) -> None:
    assert not [fault for fault in only(f"def {name}(): pass") if fault.startswith("app/")]


def test_what_a_string_names_by_its_path_is_used(only: Callable[[str], list[str]]) -> None:
    text = 'def backend(): pass\nprint("chat.page.backend")'
    assert not [fault for fault in only(text) if fault.startswith("app/")]


def test_a_line_that_allows_nothing_is_found(only: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_code, "ALLOWED", {"app/page.py function old": "gone", "app/page.py function new": "here"})
    assert only("def new(): pass") == ["dead_code.py: 'app/page.py function old' allows nothing any more"]
