"""In production a page's files carry their content's hash, down to the modules that a module imports."""

import re
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tests.conftest import Serve
from tests.serving import manage

PRODUCTION = {"DEBUG": "false", "ALLOWED_HOSTS": "127.0.0.1", "SECRET_KEY": "0123456789" * 6}
HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")


def files_of(page: httpx.Response) -> list[str]:
    """The style sheets and scripts that a page names."""
    return [urljoin(str(page.url), path) for path in re.findall(r'(?:href|src)="(/static/[^"#]+)', page.text)]


@pytest.mark.slow
def test_collected_files_are_hashed_and_kept_for_good(serve: Serve, tmp_path: Path) -> None:
    env = PRODUCTION | {"STATIC_ROOT": str(tmp_path)}
    done = manage("collectstatic", "--no-input", env=env)
    assert done.returncode == 0, done.stderr
    server = serve(**env)
    queue = files_of(httpx.get(f"{server.url}/"))
    seen: set[str] = set()
    while queue:
        url = queue.pop()
        if url in seen:
            continue
        seen.add(url)
        assert HASHED.search(url), url
        answer = httpx.get(url)
        assert answer.status_code == 200, url
        assert "immutable" in answer.headers["cache-control"]
        if url.endswith(".js"):
            queue += [urljoin(url, path) for path in re.findall(r'(?:from|import)\s*\(?"(\.[^"]+)"', answer.text)]
    assert sum(url.endswith(".js") for url in seen) > 3


def test_pages_work_before_anything_was_collected(serve: Serve, tmp_path: Path) -> None:
    server = serve(**PRODUCTION, STATIC_ROOT=str(tmp_path))
    page = httpx.get(f"{server.url}/")
    assert page.status_code == 200
    assert {httpx.get(url).status_code for url in files_of(page)} == {200}


def test_production_answers_carry_its_headers(serve: Serve, tmp_path: Path) -> None:
    server = serve(**PRODUCTION, STATIC_ROOT=str(tmp_path))
    page = httpx.get(f"{server.url}/accounts/login/")
    assert "secure" in page.headers["set-cookie"].lower()
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert httpx.get(server.url, headers={"Host": "evil.example"}).status_code == 400
