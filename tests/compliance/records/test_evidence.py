"""Files that prove a signature: checked, kept by hash outside the web root, handed out to permitted staff only."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as deployed
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from compliance.law import ITEM
from compliance.models import LedgerEntry, Signature
from compliance.records import ledger
from compliance.records.evidence import MOST_BYTES, MOST_FILES, Attachment, Missing, attachments, read, store
from compliance.testing import evidence_for
from tests.conftest import MakeUser, signed_in

pytestmark = pytest.mark.django_db

PAGE = "/admin/compliance/checklist/LAW-03/"
PDF = b"%PDF-1.7\nthe stamped copy"


@pytest.fixture(autouse=True)
def place(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)
    settings.EVIDENCE_ROOT = kept = tmp_path / "evidence"
    return kept


def upload(name: str = "控え.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def sign(client: Client, *files: SimpleUploadedFile, **more: Any) -> Any:
    return client.post(PAGE, evidence_for(ITEM["LAW-03"]) | {"_sign": "1", "added": list(files)} | more)


def listed() -> list[Attachment]:
    return attachments(Signature.objects.get(item_id="LAW-03", withdrawn_at__isnull=True).evidence)


# The store ------------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_under_its_hash_and_readable_by_its_owner_only(place: Path) -> None:
    kept = store(upload())
    digest = hashlib.sha256(PDF).hexdigest()
    assert kept == Attachment("控え.pdf", digest, len(PDF), "application/pdf")
    path = place / digest[:2] / digest
    assert path.read_bytes() == PDF
    assert path.stat().st_mode & 0o077 == 0
    assert store(upload("another name.pdf")).sha256 == digest
    assert [each for each in place.rglob("*") if each.is_file()] == [path]
    assert read(kept) == PDF


def test_the_store_lies_outside_what_is_served() -> None:
    root = Path(deployed.BASE_DIR) / "var/evidence"
    assert not root.is_relative_to(deployed.STATIC_ROOT)
    assert not Path(deployed.STATIC_ROOT).is_relative_to(root)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("picture.svg", b"<svg onload='alert(1)'/>"),
        ("archive.zip", b"PK\x03\x04"),
        ("no-ending", b"text"),
        ("copy.pdf", b"<html>not a PDF"),
        ("copy.png", PDF),
        ("note.txt", b"text\0binary"),
        ("empty.pdf", b""),
        ("large.txt", b"a" * (MOST_BYTES + 1)),
    ],
)
def test_other_kinds_wrong_endings_and_sizes_are_refused(name: str, content: bytes, place: Path) -> None:
    with pytest.raises(ValidationError, match=name):
        store(upload(name, content))
    assert not place.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.PNG", b"\x89PNG\r\n\x1a\n.."),
        ("b.jpeg", b"\xff\xd8\xff\xe0"),
        ("c.csv", "日付,内容".encode()),
        ("d.eml", b"To: x"),
    ],
)
def test_the_kinds_that_are_taken(name: str, content: bytes) -> None:
    assert store(upload(name, content)).name == name


@pytest.mark.parametrize("name", ["../../etc/passwd.pdf", "..\\..\\boot.pdf", "a\r\nb.pdf", "あ" * 300 + ".pdf"])
def test_a_name_is_a_name_and_no_path(name: str, place: Path) -> None:
    kept = store(upload(name))
    assert "/" not in kept.name
    assert "\n" not in kept.name
    assert len(kept.name) <= 110
    assert all(path.is_relative_to(place) for path in place.rglob("*"))


def test_a_file_that_was_changed_or_lost_is_not_handed_out(place: Path) -> None:
    kept = store(upload())
    path = place / kept.sha256[:2] / kept.sha256
    path.chmod(0o600)
    path.write_bytes(b"%PDF-forged")
    with pytest.raises(Missing):
        read(kept)
    path.unlink()
    with pytest.raises(Missing):
        read(kept)
    with pytest.raises(Missing):
        read(Attachment("x.pdf", "../../../../etc/passwd", 1, "application/pdf"))


# The page -------------------------------------------------------------------------------------------------------------


def test_a_signature_lists_its_files_with_hashes_and_the_ledger_covers_them(desk: Client) -> None:
    assert sign(desk, upload(), upload("受付.txt", "受付番号 1".encode())).status_code == 302
    assert [each.name for each in listed()] == ["控え.pdf", "受付.txt"]
    entry = LedgerEntry.objects.get(event="item.signed")
    assert [each["sha256"] for each in entry.payload["evidence"]["files"]] == [each.sha256 for each in listed()]
    assert ledger.verify() is None
    shown = desk.get(PAGE).content.decode()
    for each in listed():
        assert each.sha256 in shown
        assert f"{PAGE}files/{each.sha256}/" in shown


def test_a_download_is_an_attachment_and_nothing_a_browser_would_run(desk: Client) -> None:
    sign(desk, upload())
    answer = desk.get(f"{PAGE}files/{listed()[0].sha256}/")
    assert answer.content == PDF
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]


def test_only_permitted_staff_may_download(desk: Client, make_user: MakeUser, client: Client, member: Client) -> None:
    sign(desk, upload())
    path = f"{PAGE}files/{listed()[0].sha256}/"
    assert client.get(path).status_code == 302
    assert member.get(path).status_code == 302
    staff = make_user(is_staff=True)
    assert signed_in(staff).get(path).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_checklist"))
    assert signed_in(staff).get(path).status_code == 200


def test_a_hash_that_no_signature_of_the_item_lists_is_not_found(desk: Client) -> None:
    unsigned = store(upload("other.pdf", PDF + b"!"))
    sign(desk, upload())
    assert desk.get(f"{PAGE}files/{unsigned.sha256}/").status_code == 404
    assert desk.get(f"/admin/compliance/checklist/LAW-04/files/{listed()[0].sha256}/").status_code == 404
    assert desk.get(f"{PAGE}files/..%2f..%2fsecret-key/").status_code == 404


def test_a_lost_file_is_said_to_be_lost(desk: Client, place: Path) -> None:
    sign(desk, upload())
    [kept] = listed()
    (place / kept.sha256[:2] / kept.sha256).unlink()
    assert "保存先に見つかりません" in desk.get(PAGE).content.decode()
    answer = desk.get(f"{PAGE}files/{kept.sha256}/", follow=True)
    assert "もう保存されていません" in answer.content.decode()


def test_a_refused_file_signs_nothing_and_keeps_what_was_typed(desk: Client) -> None:
    answer = sign(desk, upload("page.html", b"<html>"))
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert "受け付ける種類" in shown
    assert evidence_for(ITEM["LAW-03"])["route"] in shown
    assert not Signature.objects.exists()


def test_signing_anew_keeps_the_files_that_stay_ticked(desk: Client) -> None:
    sign(desk, upload(), upload("受付.txt", b"1"))
    first, second = listed()
    sign(desk, upload("new.txt", b"2"), keep=[second.sha256])
    assert [each.name for each in listed()] == [second.name, "new.txt"]
    assert desk.get(f"{PAGE}files/{first.sha256}/").status_code == 200  # an earlier signature still lists it
    forged = sign(desk, keep=["0" * 64])
    assert forged.status_code == 200


def test_no_more_files_than_a_signature_takes(desk: Client) -> None:
    many = [upload(f"{number}.txt", str(number).encode()) for number in range(MOST_FILES + 1)]
    assert sign(desk, *many).status_code == 200
    assert not Signature.objects.exists()


def test_what_is_not_understood_in_old_evidence_is_left_out() -> None:
    assert attachments({}) == []
    assert attachments({"files": ""}) == []
    assert attachments({"files": ["x", {"name": "y"}, {"name": "n", "sha256": "s", "size": 1, "type": "t"}]}) == [
        Attachment("n", "s", 1, "t")
    ]
