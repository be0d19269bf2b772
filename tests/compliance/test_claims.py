"""What people read claims no more than is so: in pages, texts of the law, translations and documents."""

import re
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
import time_machine
from babel.messages.pofile import read_po
from django.core.management import call_command
from django.test import Client

from chat.models import User
from compliance import gate, law
from compliance.law import ITEM, ITEMS, SEEN_UNTIL, Mode, Status
from compliance.law.sources import STALE_AFTER
from compliance.testing import evidence_for
from tests.compliance.cases import standing

ROOT: Final = Path(__file__).resolve().parents[2]

BANNED: Final = (
    # A record can be written anew by whoever holds the database; what holds is that it shows.
    "書き換えられない",
    "改ざんできない",
    "改竄できない",
    "変更できない記録",
    "cannot be edited",
    "cannot be altered",
    "tamper-proof",
    "tamperproof",
    "immutable",
    # The operator holds the keys and could read.
    "誰も読みません",
    "誰も読めません",
    "読むことはできません",
    "nobody at the operator",
    "nobody can read it",
    "no one can read it",
    "end-to-end encrypted",
    # A filing is not the only way, and whether one is due is for the bureau to say.
    "法律が運営者に先に届出を求めている",
    "届出を済ませて",
    "当たり、事業として営むには届出が必要です",
    # One word for one thing.
    "閉じた会話",
    "公開の部屋",
    "オープンの部屋",
    "オープン・チャット",
    "クローズドチャット",
    "順守",
    "併科あり",
    "鍵が回",
    "住所地",
)
"""Claims and words that stand nowhere a person reads."""

READ: Final = (
    *sorted((ROOT / "templates").rglob("*.html")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "README.md",
    # Everything but what only developers read.
    *sorted(
        path
        for path in (ROOT / "compliance").rglob("*.py")
        if "migrations" not in path.parts and path.name != "testing.py"
    ),
    *sorted((ROOT / "chat").rglob("strings.py")),
)


@pytest.mark.parametrize("path", READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_claims_what_is_not_so(path: Path) -> None:
    # Literals that are broken over lines read as one.
    text = re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))
    assert [claim for claim in BANNED if claim in text] == []


@pytest.mark.parametrize("app", ["chat", "compliance"])
def test_no_translation_claims_what_is_not_so(app: str) -> None:
    with (ROOT / app / "locale/ja/LC_MESSAGES/django.po").open("rb") as file:
        catalogue = read_po(file)
    said = [str(text) for message in catalogue for text in (message.id, message.string)]
    assert [(claim, text) for text in said for claim in BANNED if claim in text] == []


def test_a_practice_of_this_software_is_not_called_the_articles() -> None:
    for item in ("LAW-07", "LAW-08", "LAW-19"):
        assert "条文の定めではなく" in ITEM[item].why_ja
        assert "not the article's" in ITEM[item].why_en


@pytest.mark.parametrize("rule", ["K-3", "K-4", "K-6"])
def test_whether_a_notification_is_due_is_left_to_the_bureau(rule: str) -> None:
    found = next(each for each in law.RULES.values() if each.id == rule)
    assert "必要と考えられ" in found.ja
    assert "個別の判断は総合通信局" in found.ja
    assert "appears to be due" in found.en
    assert found.confidence is not law.Confidence.VERIFIED


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("LAW-13", ("捜査関係事項照会", "弁護士会照会", "会話の本文ではありません", "60日", "27条1項")),
        ("LAW-15", ("概ね3〜5日", "確認できていない")),
        ("LAW-19", ("消費者契約法",)),
        ("LAW-20", ("8条", "12条", "31条")),
        ("LAW-21", ("2日", "青少年インターネット環境整備法21条", "ポート番号", "残しません", "180日")),
        ("LAW-22", ("代表者の氏名", "特定電子メール法")),
        ("LAW-23", ("180万", "確認できていません")),
    ],
)
def test_an_item_says_what_was_read_again(item: str, words: tuple[str, ...]) -> None:
    assert [word for word in words if word not in ITEM[item].why_ja] == []


# What visitors see ----------------------------------------------------------------------------------------------------

CODES: Final = re.compile(
    r"LAW-\d\d|TELECOM_\w+|COMPLIANCE_\w+|DATING_NOTIFICATION\w*|CLOSED_CHAT_KEYS"
    r"|\b[DEKPQSY]-\d+\b|環境変数|registration flag|「助言」|set to advise"
)
PAGES: Final = ("/", "/match/", "/legal/", "/legal/terms/", "/legal/privacy/", "/legal/external-transmission/")
STANDINGS: Final[dict[str, Any]] = {
    "nothing filed": lambda: standing(Status.none),
    "number missing": lambda: standing(Status.notified, TELECOM_REGISTRATION_NUMBER=""),
    "unsigned": lambda: standing(Status.notified),
    "advise": lambda: standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise.value),
}


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


def seen(page: str) -> str:
    """What a visitor sees of a page without unfolding anything."""
    page = re.sub(r"<(script|style|details)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("path", [*PAGES, "/legal/retention/", "/legal/complaints/", "/legal/transparency/"])
@pytest.mark.parametrize("filed", STANDINGS)
def test_visitors_see_no_codes_of_items_and_no_names_of_variables(
    filed: str, path: str, language: str, client: Client, settings: Any
) -> None:
    settings.STANDING = STANDINGS[filed]()
    client.cookies["django_language"] = language
    assert CODES.findall(seen(client.get(path).content.decode())) == []


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "fold"), [("ja", "くわしく（運営者向け）"), ("en", "Details for operators")])
def test_the_refusal_says_it_plainly_and_keeps_the_details_folded(language: str, fold: str, client: Client) -> None:
    client.cookies["django_language"] = language
    page = client.get("/match/").content.decode()
    plainly = {
        "ja": "法令上の確認（届出など）が済むまで、この機能を開かない設定にしています。",
        "en": "such as a notification",
    }
    assert plainly[language] in seen(page)
    assert f"<summary>{fold}</summary>" in page
    assert "TELECOM_REGISTRATION" in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("ja", "マッチング（二人だけの会話）は、まだ開いていません · Todoke"),
        ("en", "Matching (a talk between two) is not open here yet · Todoke"),
    ],
)
def test_the_title_of_the_refusal_has_no_stray_blank(language: str, title: str, client: Client) -> None:
    client.cookies["django_language"] = language
    assert f"<title>{title}</title>" in client.get("/match/").content.decode()


@pytest.mark.django_db
def test_the_representatives_name_stands_on_the_privacy_page(client: Client, operator: User) -> None:
    assert "代表者（法人・団体の場合）" in client.get("/legal/privacy/").content.decode()
    evidence = evidence_for(ITEM["LAW-22"]) | {"representative": "代表取締役（氏名）"}
    gate.sign(item=ITEM["LAW-22"], evidence=evidence, actor=operator)
    assert "代表取締役（氏名）" in client.get("/legal/privacy/").content.decode()
    assert "代表取締役（氏名）" not in client.get("/legal/terms/").content.decode()


OF_VISITORS: Final = [
    path for of in ("chat", "compliance") for path in sorted((ROOT / "templates" / of).rglob("*.html"))
]


@pytest.mark.parametrize("path", OF_VISITORS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_blank_after_a_translated_sentence_is_for_english_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace('{% if LANGUAGE_CODE != "ja" %} {% endif %}', "")
    after = r"""(?:\." %\}|\.\{% endblocktranslate %\})(?:\{% (?:if|else|elif|endif)[^%]*%\}|</\w+>)* +(?=[<{])"""
    assert re.findall(after, text) == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", [*PAGES, "/legal/retention/", "/legal/complaints/", "/guest/"])
def test_no_blank_stands_between_japanese_sentences(path: str, client: Client) -> None:
    page = re.sub(r"<(script|style)\b.*?</\1>", "", client.get(path).content.decode(), flags=re.DOTALL)
    inline = re.sub(r"</?(?:a|span|strong|bdi|svg|use)\b[^>]*>", "", page)
    assert re.findall(r"[^\n<>]*[。、] +[ぁ-んァ-ヶ一-龠][^\n<>]*", inline) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "one", "two"),
    [
        ("ja", "この扉は一つめの鍵で開きます", "この扉は二つの鍵で開きます"),
        ("en", "One key opens this door", "Two keys open this door"),
    ],
)
def test_the_refusal_speaks_of_as_many_keys_as_it_takes(
    language: str, one: str, two: str, client: Client, settings: Any
) -> None:
    client.cookies["django_language"] = language
    assert two in seen(client.get("/match/").content.decode())
    settings.STANDING = standing(Status.none, COMPLIANCE_CHECKLIST=Mode.advise.value)
    page = seen(client.get("/match/").content.decode())
    assert one in page
    assert two not in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "over", "link"),
    [
        ("ja", "451 ・ 運営者が停止しています", "停止の理由"),
        ("en", "451 · stopped by the operator", "Why it is stopped"),
    ],
)
def test_while_stopped_the_reason_of_the_stop_comes_first(
    language: str, over: str, link: str, client: Client, operator: User
) -> None:
    with time_machine.travel("2026-11-20T02:05:00+00:00", tick=False):
        gate.pull_stop(reason="点検のため", actor=operator)
        client.cookies["django_language"] = language
        answer = client.get("/match/")
        page = seen(answer.content.decode())
        assert answer.status_code == 451
        assert over in page
        why = page.index({"ja": "なぜ使えないのか", "en": " Why "}[language])
        assert page.index("点検のため", why) - why < 120
        assert law.RULES[law.Feature.MATCH_PAIR].ja not in page
        assert law.RULES[law.Feature.MATCH_PAIR].en not in page
        assert page.count("2026-11-20 11:05 JST") == 2
        assert "2026年" not in page
        assert ".." not in page
        lobby = seen(client.get("/").content.decode())
        assert link in lobby
        assert "何が足りないのか" not in lobby
        assert "What is missing" not in lobby


# The age of the law's text --------------------------------------------------------------------------------------------

OLD: Final = f"{SEEN_UNTIL}T03:00:00+00:00"


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "old"), [(STALE_AFTER.days, False), (STALE_AFTER.days + 1, True)])
def test_an_outdated_law_version_shows_on_the_gate_pages_and_in_the_command(
    *, days: int, old: bool, operator: User
) -> None:
    assert STALE_AFTER.days == 180
    with time_machine.travel(OLD, tick=False) as clock:
        clock.shift(days * 86_400)
        desk = Client()
        desk.force_login(operator)
        for page in ("/admin/", "/admin/compliance/checklist/"):
            assert (law.OLD.ja in desk.get(page).content.decode()) is old
        said = StringIO()
        call_command("gate", "--language", "ja", stdout=said)
        assert (law.OLD.ja in said.getvalue()) is old
        assert law.OLD.ja not in Client().get("/legal/").content.decode()


def test_the_items_keep_their_ids() -> None:
    assert [item.id for item in ITEMS] == [f"LAW-{number:02}" for number in range(1, 26)]
