"""The public form: a request without an account becomes a case and is confirmed, and nobody can flood it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from compliance.cases import work
from compliance.law.powers import Group
from compliance.models import Case, Letter
from tests.conftest import MakeStaff

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


@pytest.mark.parametrize(
    ("language", "matter", "greeting"),
    [
        ("ja", "削除のお申出を受け付けました", "整理番号"),
        ("en", "Your request for removal was received", "Our number"),
    ],
)
def test_whoever_asks_is_answered_in_the_language_in_which_they_wrote(
    language: str,
    matter: str,
    greeting: str,
    client: Client,
    make_staff: MakeStaff,
    mailoutbox: list[Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    client.cookies["django_language"] = language
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/legal/requests/", GIVEN)
    case = Case.objects.get()
    clerk = make_staff(Group.COMPLIANCE)
    with django_capture_on_commit_callbacks(execute=True):
        fields = {"detail": "例", "deadline": "2026-12-24"}
        work.issue_letter(case=case, key="more", fields=fields, actor=clerk)
        work.issue_letter(case=case, key="to_poster", fields=fields, actor=clerk)  # to the poster, by no mail
    received, more = (letter for letter in mailoutbox if letter.to == [GIVEN["contact"]])
    assert matter in received.subject
    for letter in (received, more):
        assert greeting in letter.body
        assert ("お" in letter.body) is (language == "ja")
    assert "2026-12-24" in more.body
    enquiry = Letter.objects.get(key="to_poster")
    assert (enquiry.mailed_at, "整理番号" in enquiry.text) == (None, True)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_form_sends_nobody_the_words_of_whoever_filled_it_in(
    language: str, client: Client, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    client.cookies["django_language"] = language
    words = {name: f"{name}-https://advert.example" for name in ("sender", "about")}
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/legal/requests/", GIVEN | words).status_code == 302
    [mail] = mailoutbox
    assert "advert" not in mail.subject + mail.body
