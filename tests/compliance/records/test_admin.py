"""Signatures, authorisations and the ledger in the admin."""

import pytest
from django.test import Client

from chat.models import User
from compliance import gate
from compliance.models import Authorisation, LedgerEntry, Signature
from compliance.records import ledger
from compliance.testing import sign_all
from tests.compliance.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what one test read from the next: its database is rolled back, its memory is not."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


RECORDS = ("signature", "authorisation", "ledgerentry")


@pytest.mark.parametrize("model", RECORDS)
def test_records_are_read_and_never_written(model: str, desk: Client, operator: User) -> None:
    sign_all(operator, but=("LAW-06",))
    Authorisation.objects.create(snapshot={"signatures": []})
    rows = {"signature": Signature, "authorisation": Authorisation, "ledgerentry": LedgerEntry}[model]
    row = rows._default_manager.first()
    assert row is not None
    base = f"/admin/compliance/{model}/"
    assert desk.get(base).status_code == 200
    assert desk.get(f"{base}{row.pk}/change/").status_code == 200
    assert desk.get(f"{base}add/").status_code == 403
    assert desk.post(f"{base}{row.pk}/change/", {"law_version": "x"}).status_code == 403
    assert desk.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    count = rows._default_manager.count()
    desk.post(base, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert rows._default_manager.count() == count


def test_the_ledger_says_whether_its_chain_holds(desk: Client, operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    gate.pull_stop(reason="調査のため", actor=operator)
    base = "/admin/compliance/ledgerentry/"
    shown = text(desk.get(base))
    assert f"台帳に異常はありません。{LedgerEntry.objects.count()} 件" in shown
    assert "調査のため" in shown
    monkeypatch.setattr(ledger, "verify", lambda: ledger.Fault(1, "entry 1 was changed after it was written"))
    assert "1 番の記録が欠けているか、あとから変えられています。" in text(desk.get(base))
    assert "1 番の記録が欠けているか、あとから変えられています。" in text(desk.get(f"{base}verify/", follow=True))
