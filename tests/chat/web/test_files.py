"""Static files are answered in front of Django, and a page of any version finds its files at every process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client, override_settings

from chat.web.files import Files
from config.static import Static

Asked = dict[str, str] | None


class Release:
    """What `collectstatic` makes of some sources, in a folder that the releases share or each has for itself."""

    def __init__(self, root: Path, **files: str) -> None:
        self.storage = Static(location=str(root), base_url="/static/")
        names = {f"chat/{name}.js": text for name, text in files.items()}
        for name, text in names.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        assert not [
            done for done in self.storage.post_process({n: (self.storage, n) for n in names}) if done[2] is Exception
        ]

    def __getitem__(self, name: str) -> str:
        return str(self.storage.url(f"chat/{name}.js"))


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Path]:
    """STATIC_ROOT of a deployment that collects its files; nothing is found among the sources."""
    with override_settings(
        STATIC_ROOT=str(tmp_path), WHITENOISE_AUTOREFRESH=False, WHITENOISE_USE_FINDERS=False, WHITENOISE_MAX_AGE=60
    ):
        yield tmp_path


async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
    """All that is no file."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def ask(files: Files, path: str, headers: Asked = None, method: str = "GET") -> httpx.Response:
    """What a process answers."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=files), base_url="http://any.name") as browser:
        return await browser.request(method, path, headers={"Accept-Encoding": "identity"} | (headers or {}))


async def test_hashed_file_is_kept_for_good_and_sent_compressed_in_part_or_not_at_all(production: Path) -> None:
    text = "export const words = 'ことば';\n" * 60
    url = Release(production, words=text)["words"]
    files = Files(elsewhere)
    whole = await ask(files, url)
    assert (whole.status_code, whole.text) == (200, text)
    assert "immutable" in whole.headers["cache-control"]
    assert whole.headers["content-type"].startswith("text/javascript")
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "last-modified" not in whole.headers  # its tag is enough, and a page has many of these heads
    assert whole.headers["vary"] == "Accept-Encoding"
    packed = await ask(files, url, {"Accept-Encoding": "gzip, br"})
    assert (packed.headers["content-encoding"], packed.text) == ("gzip", text)
    assert int(packed.headers["content-length"]) < len(text.encode()) / 4
    etag = whole.headers["etag"]
    for known in (etag, f'W/{etag}, "other"', "*"):
        unchanged = await ask(files, url, {"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", etag)
    assert (await ask(files, url, {"If-None-Match": '"other"'})).status_code == 200
    part = await ask(files, url, {"Range": "bytes=7-11"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (
        206,
        text.encode()[7:12],
        f"bytes 7-11/{len(text.encode())}",
    )
    head = await ask(files, url, method="HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (
        200,
        b"",
        whole.headers["content-length"],
    )
    assert (await ask(files, url, method="POST")).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/static/none.js",
        "/static/none.0123456789ab.js",
        "/static/../secret",
        "/static/%2e%2e/secret",
        "/static/a%00b",
        "/static/",
    ],
)
async def test_unknown_file_is_not_found(production: Path, path: str) -> None:
    (production.parent / "secret").write_text("!")
    assert (await ask(Files(elsewhere), f"/static/{path}")).status_code == 404


async def test_what_is_no_file_is_left_to_the_pages(production: Path) -> None:
    assert (await ask(Files(elsewhere), "/rooms/welcome/")).status_code == 299


async def test_pages_of_old_and_new_version_find_their_files_at_both_processes(tmp_path: Path) -> None:
    old_root, new_root = tmp_path / "old", tmp_path / "new"
    old, new = (
        Release(old_root, room="old();\n", same="same();\n"),
        Release(new_root, room="new();\n", same="same();\n"),
    )
    processes = {}
    for root in (old_root, new_root):
        with override_settings(STATIC_ROOT=str(root), WHITENOISE_AUTOREFRESH=False, WHITENOISE_USE_FINDERS=False):
            processes[root] = Files(elsewhere)
            for page, own in ((old, old_root), (new, new_root)):
                answer = await ask(processes[root], page["room"])
                assert answer.status_code == 200
                assert answer.text == f"{root.name}();\n"
                assert ("immutable" in answer.headers["cache-control"]) is (root == own)
                assert "immutable" in (await ask(processes[root], page["same"])).headers["cache-control"]


async def test_process_finds_what_a_later_release_collects_into_the_folder_that_they_share(production: Path) -> None:
    old = Release(production, room="old();\n")
    running = Files(elsewhere)
    new = Release(production, room="new();\n", added="added();\n")
    for url, text in ((old["room"], "old();\n"), (new["room"], "new();\n"), (new["added"], "added();\n")):
        answer = await ask(running, url)
        assert (answer.status_code, answer.text) == (200, text)
        assert "immutable" in answer.headers["cache-control"]
    plain = await ask(running, "/static/chat/room.js")  # another one lies in its place by now
    assert plain.text == "new();\n"
    (production / new["added"].removeprefix("/static/")).unlink()
    assert (await ask(running, new["added"])).headers["cache-control"] == "max-age=60, public"


def test_files_of_two_releases_are_kept_and_of_a_third_removed(tmp_path: Path) -> None:
    def there(url: str) -> bool:
        return (tmp_path / url.removeprefix("/static/")).exists()

    first, again = Release(tmp_path, room="1();\n"), Release(tmp_path, room="1();\n")
    second = Release(tmp_path, room="2();\n")
    assert [there(release["room"]) for release in (first, again, second)] == [True] * 3
    back = Release(tmp_path, room="1();\n")  # a roll back: one of the two, and the newest
    assert first["room"] == back["room"]
    third = Release(tmp_path, room="3();\n")
    assert [there(release["room"]) for release in (first, second, third)] == [True, False, True]
    assert (tmp_path / "chat/room.js").exists()


@pytest.mark.django_db
def test_manifest_without_a_file_or_without_sense_makes_no_page_fail(tmp_path: Path, settings: Any) -> None:
    storage = Release(tmp_path, room="1();\n").storage
    assert storage.url("chat/other.css") == "/static/chat/other.css"
    assert storage.url("chat/other.svg#sign") == "/static/chat/other.svg#sign"
    (tmp_path / "staticfiles.json").write_text("{")
    assert Static(location=str(tmp_path), base_url="/static/").url("chat/room.js") == "/static/chat/room.js"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "config.static.Static", "OPTIONS": {"location": str(tmp_path)}}
    }
    assert Client().get("/").status_code == 200
