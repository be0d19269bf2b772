"""The public pages on law and rules: always open, in both languages, and nothing in them that nobody stated."""

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.conf import settings as deployed
from django.test import Client
from django.utils import translation

from chat.models import User
from compliance import gate
from compliance.law import ITEM, Status, Text, cite, retention, transmissions
from compliance.law.transmissions import OptOut, Transmission
from compliance.models import LedgerEntry
from compliance.public import documents
from compliance.records import Event, ledger, transparency
from compliance.testing import evidence_for
from tests.compliance.cases import OPERATOR, standing
from tests.conftest import MakeUser

pytestmark = pytest.mark.django_db

PAGES = ("external-transmission", "retention", "terms", "privacy", "complaints", "transparency")
BLANK = "運営者がまだ記入していません"


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)
    yield
    translation.activate("ja")


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", response.content.decode()))


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("page", PAGES)
def test_each_page_answers_anybody_and_leads_to_the_others(page: str, language: str, client: Client) -> None:
    client.cookies["django_language"] = language
    answer = client.get(f"/legal/{page}/")
    assert answer.status_code == 200
    shown = answer.content.decode()
    for other in PAGES:
        assert f'href="/legal/{other}/"' in shown
    assert shown.count('aria-current="page"') == 1
    assert shown.count("<h1>") == 1
    assert "e-gov.go.jp" in shown
    assert client.post(f"/legal/{page}/").status_code == 405


def test_the_foot_of_every_page_leads_to_them(client: Client) -> None:
    foot = client.get("/").content.decode().partition('class="foot"')[2]
    for page in ("terms", "privacy", "external-transmission"):
        assert f"/legal/{page}/" in foot


# Nothing invented -----------------------------------------------------------------------------------------------------


def test_what_nobody_stated_is_marked_as_missing(client: Client) -> None:
    for page in ("terms", "privacy", "complaints"):
        shown = text(client.get(f"/legal/{page}/"))
        assert BLANK in shown
        assert "例示" not in shown


def test_the_facts_of_this_deployment_are_shown(client: Client, operator: User, settings: Any) -> None:
    settings.STANDING = standing(Status.notified)
    recorded = {
        "LAW-19": {"page": "https://chat.example.jp/rules/", "appeal": "窓口へ書面で"},
        "LAW-21": {"desk": "desk@example.jp"},
        "LAW-22": {"processors": "例示クラウド株式会社", "countries": "日本", "requests": "本人確認書類を添えて"},
    }
    for item, told in recorded.items():
        gate.sign(item=ITEM[item], evidence=evidence_for(ITEM[item]) | told, actor=operator)
    gate.sign(item=ITEM["LAW-01"], evidence=evidence_for(ITEM["LAW-01"]), actor=operator)
    privacy, terms, complaints = (text(client.get(f"/legal/{page}/")) for page in ("privacy", "terms", "complaints"))
    for fact in ("例示クラウド株式会社", "日本", "本人確認書類を添えて", *OPERATOR.values()):
        assert fact in privacy
    assert "窓口へ書面で" in terms
    assert "有料の機能はないと記録しています" in terms
    assert "desk@example.jp" in complaints
    assert "届出などをした事業者です" in complaints


def test_only_evidence_that_says_it_is_public_is_shown(client: Client, operator: User) -> None:
    secret = evidence_for(ITEM["LAW-22"]) | {"version": "社外秘の版"}
    gate.sign(item=ITEM["LAW-22"], evidence=secret, actor=operator)
    assert all("社外秘の版" not in text(client.get(f"/legal/{page}/")) for page in PAGES)


def test_what_is_shown_in_public_says_so_where_it_is_recorded() -> None:
    for item, keys in documents._PUBLIC.items():
        labels = {field.key: field for field in ITEM[item].evidence}
        for key in keys:
            assert labels[key].kind == "url" or (
                "公開ページに表示" in labels[key].ja and "shown in public" in labels[key].en
            )


def test_what_the_operator_typed_is_text(client: Client, operator: User) -> None:
    hostile = evidence_for(ITEM["LAW-22"]) | {"processors": "<script>alert(1)</script>\n二行目"}
    gate.sign(item=ITEM["LAW-22"], evidence=hostile, actor=operator)
    shown = client.get("/legal/privacy/").content.decode()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown


# External transmission ------------------------------------------------------------------------------------------------

EXAMPLE = Transmission(
    origin="https://stats.example.jp",
    information=Text("見たページの URL", "The pages that you look at"),
    receiver=Text("例示計測株式会社", "Example Measuring Inc."),
    purpose=Text("利用状況の集計", "Counting visits"),
    opt_out=OptOut(
        stops=Text("送信を止めます", "Sending is stopped"),
        how=Text("設定ページで", "On the settings page"),
        loss=Text("使えなくなる機能はありません", "Nothing is lost"),
    ),
)


def test_this_product_declares_nothing_and_says_so_in_plain_words(client: Client) -> None:
    assert transmissions.TRANSMISSIONS == ()
    assert "外部の事業者へ送らせることはありません" in text(client.get("/legal/external-transmission/"))
    client.cookies["django_language"] = "en"
    shown = text(client.get("/legal/external-transmission/"))
    assert "Nothing." in shown
    assert "外部送信はありません。" in shown  # the regulation wants Japanese, whatever language was chosen


@pytest.mark.parametrize("language", ["ja", "en"])
def test_what_is_declared_is_shown_with_all_that_the_regulation_asks(
    language: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transmissions, "TRANSMISSIONS", (EXAMPLE,))
    client.cookies["django_language"] = language
    shown = text(client.get("/legal/external-transmission/"))
    for fact in (EXAMPLE.information, EXAMPLE.receiver, EXAMPLE.purpose):
        assert fact.ja in shown
    assert EXAMPLE.opt_out is not None
    for field in fields(EXAMPLE.opt_out):
        told: Text = getattr(EXAMPLE.opt_out, field.name)
        assert (told.ja if language == "ja" else told.en) in shown
    assert "Nothing." not in shown
    legal = text(client.get("/legal/"))
    assert "load nothing from other companies" not in legal
    assert "ほかの会社のサーバーから何も読み込まず" not in legal


def test_the_policy_of_the_pages_lets_through_exactly_what_is_declared() -> None:
    directives = deployed.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    sources = {source for listed in directives.values() for source in listed}
    own = {"'self'", "'none'", "data:"}
    assert sources - own == {each.origin for each in transmissions.TRANSMISSIONS}


def test_the_evidence_of_law_11_and_law_12_starts_from_the_code(desk: Client) -> None:
    for item, key, told in (
        ("LAW-11", "transmissions", transmissions.as_text("ja")),
        ("LAW-12", "table", retention.as_text("ja")),
    ):
        assert desk.get(f"/admin/compliance/checklist/{item}/").context["form"].initial[key] == told


# Transparency ---------------------------------------------------------------------------------------------------------


def test_months_are_counted_once_they_are_over_from_the_ledger_in_japans_calendar(db: None) -> None:
    with time_machine.travel(datetime(2026, 8, 31, 14, 59, tzinfo=UTC), tick=False):  # 23:59 on 31 August in Japan
        ledger.append(Event.GATE_REFUSED, actor=None, payload={"counts": {"room.match_pair": 3, "dm.text": 2}})
        ledger.append(Event.REPORT_FILED, actor=None, payload={})
    with time_machine.travel(datetime(2026, 8, 31, 15, 0, tzinfo=UTC), tick=False):  # 1 September in Japan
        ledger.append(Event.GATE_REFUSED, actor=None, payload={"counts": {"room.match_pair": 7}})
        ledger.append(Event.CASE_CLOSED, actor=None, payload={"disclosures": 1})
    with time_machine.travel(datetime(2026, 11, 2, tzinfo=UTC), tick=False):
        ledger.append(Event.GATE_REFUSED, actor=None, payload={"counts": {"room.match_pair": 1000}})
    shown = {month.first: dict(month.counts) for month in transparency.months(date(2026, 11, 22))}
    nothing = {"refusals": 0, "disclosures": 0, "reports": 0, "stops": 0}
    assert shown == {
        date(2026, 10, 1): nothing,
        date(2026, 9, 1): nothing | {"refusals": 7, "disclosures": 1},
        date(2026, 8, 1): nothing | {"refusals": 5, "reports": 1},
    }


def test_a_year_is_shown_at_most_and_nothing_before_the_record_began() -> None:
    assert transparency.months(date(2026, 11, 22)) == []
    with time_machine.travel(datetime(2020, 1, 1, tzinfo=UTC), tick=False):
        ledger.append(Event.STOP_PULLED, actor=None, payload={})
    months = [month.first for month in transparency.months(date(2026, 1, 22))]
    assert months[0] == date(2025, 12, 1)
    assert months[-1] == date(2025, 1, 1)
    assert len(months) == 12


def test_the_figures_name_nobody(client: Client, make_user: MakeUser) -> None:
    with time_machine.travel(datetime(2026, 9, 2, tzinfo=UTC), tick=False):
        operator = make_user(is_staff=True)
        gate.pull_stop(reason="秘密の理由", actor=operator)
    with time_machine.travel(datetime(2026, 11, 22, tzinfo=UTC), tick=False):
        shown = text(client.get("/legal/transparency/"))
    assert "2026年9月" in shown
    assert str(operator.email) not in shown
    assert LedgerEntry.objects.filter(event="stop.pulled").exists()


def test_the_pages_cite_articles_that_exist() -> None:
    for article in (*transmissions.ARTICLES, *retention.ARTICLES, *retention.HOLD_ARTICLES):
        assert cite(article).place_ja
