"""The public form: a request without an account becomes a case and is confirmed, and nobody can flood it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from compliance.models import Case, Letter

pytestmark = pytest.mark.django_db

GIVEN = {
    "kind": "removal",
    "variant": "private_image",
    "sender": "申出人",
    "contact": "sender@example.jp",
    "about": "部屋 lobby の投稿。無断で撮影された写真です。",
}


@pytest.fixture(autouse=True)
def own_evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_ROOT = tmp_path


def test_a_request_becomes_a_case_and_is_confirmed_without_its_words(
    client: Client, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    upload = SimpleUploadedFile("画面.png", b"\x89PNG\r\n\x1a\n picture")
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/legal/requests/", {**GIVEN, "file": upload})
    assert answer.status_code == 302
    case = Case.objects.get()
    assert (case.kind, case.variant, case.from_outside, case.opened_by) == ("removal", "private_image", True, None)
    assert case.papers.count() == 1
    assert case.name in client.get(answer["Location"]).content.decode()
    assert [mail.to for mail in mailoutbox] == [["sender@example.jp"]]
    assert "写真" not in mailoutbox[0].body
    assert case.name in mailoutbox[0].body
    assert Letter.objects.get().mailed_at


def test_what_is_no_request_is_refused_and_nothing_is_kept(client: Client) -> None:
    wrong = SimpleUploadedFile("写真.png", b"no picture")
    for changes in ({"kind": "warrant"}, {"contact": "nobody"}, {"about": ""}, {"file": wrong}):
        assert client.post("/legal/requests/", GIVEN | changes).status_code == 400
    assert not Case.objects.exists()


def test_a_sender_can_send_five_in_an_hour(client: Client) -> None:
    for number in range(5):
        assert client.post("/legal/requests/", GIVEN | {"contact": f"s{number}@example.jp"}).status_code == 302
    assert client.post("/legal/requests/", GIVEN | {"contact": "other@example.jp"}).status_code == 400
    assert Case.objects.count() == 5
