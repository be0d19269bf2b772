"""The notification: which bureau, which papers, what the forms and the diagram say, and that none claims more."""

import io
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from chat.models import User
from compliance import assessment, filing, gate, law
from compliance.adminkit import one_line
from compliance.filing import Applicant, Draft, as_text, draw_diagram
from compliance.filing.applicant import ApplicantKind, prefecture_of
from compliance.filing.attachments import attached_documents
from compliance.filing.diagram import describe_network
from compliance.filing.draft import SERVICES
from compliance.filing.milestones import Stage, milestones_of
from compliance.filing.network import Network
from compliance.law import (
    BUREAU_OF,
    ITEM,
    REGIONAL_BUREAUX,
    RULES,
    Answer,
    Feature,
    Outcome,
    Required,
    Standing,
    Status,
    cite,
)
from compliance.models import Filing, Instance
from compliance.testing import evidence_for
from tests.compliance.assessment.test_assessment import CLOUD, FACTS
from tests.compliance.cases import standing
from tests.conftest import MakeUser, signed_in

PAGE = "/operator/filing/"
SHEETS = f"{PAGE}draft/"
CLAIMS = re.compile("登録|許可|認可|認定|免許")
HOSTILE = "<script>alert('届')</script> & \"届\" ]]>"
COMPANY = {
    "kind": "company",
    "abroad": "no",
    "name": "例示株式会社",
    "name_kana": "れいじかぶしきがいしゃ",
    "representative": "例示 花子",
    "postal_code": "530-0001",
    "address": "大阪府大阪市北区梅田1-1",
    "address_kana": "おおさかふおおさかしきたくうめだ",
    "phone": "06-0000-0000",
    "email": "desk@example.jp",
    "area": "全国",
    "start_on": "2027-04-01",
    "places": {"proxy": "東京都", "server": "国内のクラウド（東京都）", "database": "同上", "redis": "同上"},
}
ABROAD = {
    "kind": "company",
    "abroad": "yes",
    "name": "Example Inc.",
    "address": "1 Example Street, Springfield",
    "agent_is_company": "yes",
    "agent_name": "例示代理合同会社",
    "agent_address": "福岡県福岡市中央区1-1",
    "agent_phone": "092-000-0000",
    "agent_email": "agent@example.jp",
}
LARGE = SimpleNamespace(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "todoke",
            "USER": "somebody",
            "PASSWORD": "a-secret",
            "HOST": "db.internal",
        }
    },
    REDIS_URL="rediss://:another-secret@cache.internal:6380/0",
    TRUSTED_PROXIES=2,
    HTTPS=True,
    ALLOWED_HOSTS=["chat.example.jp"],
)
SMALL = SimpleNamespace(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/var/todoke.sqlite3"}},
    REDIS_URL="",
    TRUSTED_PROXIES=0,
    HTTPS=False,
    ALLOWED_HOSTS=["localhost"],
)


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what one test read from the next: its database is rolled back, its memory is not."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


@pytest.fixture(autouse=True)
def japanese() -> Iterator[None]:
    """Answer in Japanese unless a test says otherwise."""
    with translation.override("ja"):
        yield


def network(settings: Any = LARGE, own_lines: Answer = Answer.NO, **places: str) -> Network:
    """The network of a deployment with three running processes."""
    return Network.of(settings, processes=3, places=places, own_lines=own_lines)


def draft(facts: dict[str, Any] | None = None, of: Network | None = None, **more: Any) -> Draft:
    """A draft for a notification that is due."""
    facts = dict(COMPANY) if facts is None else facts
    services = (Feature.MATCH_PAIR, Feature.INVITE_ONLY)
    return Draft(
        applicant=Applicant.of(facts, Standing()),
        network=of or network(**dict(facts.get("places", {}))),
        services=services,
        outcome=Outcome.NOTIFY,
        milestones=milestones_of(Standing(), {}),
        **more,
    )


def sheets(of: Draft, language: str = "ja") -> str:
    """The sheets as they are written to a file."""
    with translation.override(language):
        return render_to_string("compliance/filing/sheets.html", {"draft": of, "on_site": False})


# The bureau -----------------------------------------------------------------------------------------------------------

JURISDICTION = {
    "北海道総合通信局": "北海道",
    "東北総合通信局": "青森県 岩手県 宮城県 秋田県 山形県 福島県",
    "関東総合通信局": "茨城県 栃木県 群馬県 埼玉県 千葉県 東京都 神奈川県 山梨県",
    "信越総合通信局": "新潟県 長野県",
    "北陸総合通信局": "富山県 石川県 福井県",
    "東海総合通信局": "岐阜県 静岡県 愛知県 三重県",
    "近畿総合通信局": "滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県",
    "中国総合通信局": "鳥取県 島根県 岡山県 広島県 山口県",
    "四国総合通信局": "徳島県 香川県 愛媛県 高知県",
    "九州総合通信局": "福岡県 佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県",
    "沖縄総合通信事務所": "沖縄県",
}
"""Order for Organization of the Ministry, Articles 138(1) and 140, as they are printed."""
WHERE = [(prefecture, bureau) for bureau, area in JURISDICTION.items() for prefecture in area.split()]


def test_there_are_eleven_bureaux_and_forty_seven_prefectures() -> None:
    assert len(WHERE) == len(BUREAU_OF) == 47
    assert [bureau.ja for bureau in REGIONAL_BUREAUX] == list(JURISDICTION)
    english = [name for bureau in REGIONAL_BUREAUX for name in bureau.prefectures.values()]
    assert len(set(english)) == 47
    for bureau in REGIONAL_BUREAUX:
        assert cite(bureau.article).statute.ja == "総務省組織令"
        assert bureau.ja.removesuffix("総合通信局").removesuffix("総合通信事務所") in law.BUREAUX.ja


@pytest.mark.parametrize(("prefecture", "bureau"), WHERE)
def test_the_bureau_follows_from_the_address(prefecture: str, bureau: str) -> None:
    english = next(each.prefectures[prefecture] for each in REGIONAL_BUREAUX if prefecture in each.prefectures)
    for address in (
        f"{prefecture}中央区1-1",
        f"〒100-0001　{prefecture} 中央区１－１",
        f"1000001 {prefecture}中央区",
        f"日本国〒100-0001{prefecture}中央区",
        f"1-1 Chuo-ku, {english} 100-0001, Japan",
        f"1-1 Chuo-ku, {english} Prefecture",
    ):
        assert prefecture_of(address) == prefecture, address
        found = Applicant(address=address).bureau
        assert found is not None
        assert found.ja == bureau


@pytest.mark.parametrize(
    "address",
    [
        "",
        "札幌市中央区北1条",
        "中央区日本橋1-1",
        "1 Example Street, Springfield",
        "Fukushima, Osaka",  # a ward of Osaka, or the prefecture: not plain
        "Yamagata-cho, Naka-ku, Yokohama",
        "大阪の東京都市",
        "東京",
    ],
)
def test_an_address_that_does_not_name_one_prefecture_names_no_bureau(address: str) -> None:
    assert prefecture_of(address) is None
    who = Applicant(address=address)
    assert who.bureau is None
    text = as_text(Draft(applicant=who))
    assert "住所から分からないため、要確認" in text
    chosen = Applicant(address=address, prefecture="北海道").bureau
    assert chosen is not None
    assert chosen.key == "hokkaido"


def test_kyoto_is_not_read_into_tokyo() -> None:
    assert prefecture_of("東京都北区") == "東京都"
    assert prefecture_of("京都府京都市北区") == "京都府"


def test_those_abroad_file_where_their_representative_lives() -> None:
    who = Applicant.of(ABROAD, Standing())
    assert who.bureau is not None
    assert who.bureau.key == "kyushu"
    assert Applicant.of(ABROAD | {"address": "東京都", "agent_address": ""}, Standing()).bureau is None


@given(st.text())
def test_any_address_is_read(address: str) -> None:
    assert prefecture_of(address) in {None, *BUREAU_OF}


# The papers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "papers"),
    [
        (ApplicantKind.person, {"REG 9(1)(vi)": 1}),
        (ApplicantKind.company, {"REG 9(1)(iii)": 2}),
        (ApplicantKind.founding, {"REG 9(1)(iv)": 3}),
        (ApplicantKind.body, {"REG 9(1)(v)": 3}),
        (None, {}),
    ],
)
@pytest.mark.parametrize("abroad", [True, False, None])
@pytest.mark.parametrize("agent", [True, False, None])
def test_what_goes_with_the_notification(
    kind: ApplicantKind | None,
    papers: dict[str, int],
    abroad: bool | None,  # noqa: FBT001 -- a table
    agent: bool | None,  # noqa: FBT001
) -> None:
    found = [paper.article for paper in attached_documents(kind, abroad=abroad, agent_is_company=agent)]
    wanted = {"REG 9(1)(i)": 1, "REG 9(1)(ii)": 1, **papers}
    if abroad:
        wanted |= {"REG 9(1)(vii)": 2 if agent is None else 1, "REG 9(1)(viii)": 1, "REG 72": 1}
    assert {article: found.count(article) for article in found} == wanted


def test_no_pledge_goes_with_a_notification() -> None:
    for kind in ApplicantKind:
        names = [paper.ja for paper in attached_documents(kind, abroad=True, agent_is_company=None)]
        assert not any("誓約" in name or name.endswith("（様式第2）") for name in names)
    assert any("様式第2の2" in paper.ja for paper in attached_documents(None, abroad=True, agent_is_company=True))


# The forms ------------------------------------------------------------------------------------------------------------


def test_the_forms_have_the_facts_that_were_given() -> None:
    text, page = as_text(draft()), sheets(draft())
    for value in [value for key, value in COMPANY.items() if key not in {"kind", "abroad", "start_on", "places"}]:
        assert str(value) in text
        assert str(value) in page
    for part in ("令和9年4月1日", "近畿総合通信局長経由", "登記事項証明書", "定款", "総務大臣"):
        assert part in text
        assert part in page
    for feature in (Feature.MATCH_PAIR, Feature.INVITE_ONLY):
        assert SERVICES[feature].ja in text
        assert SERVICES[feature].ja in page
    assert "国内代表者等" not in text
    assert "国内のクラウド（東京都）" in page


def test_those_abroad_name_their_representative() -> None:
    text = as_text(draft(ABROAD))
    for value in (
        "例示代理合同会社",
        "福岡県福岡市中央区1-1",
        "092-000-0000",
        "agent@example.jp",
        "九州総合通信局長経由",
    ):
        assert value in text
    assert "様式第2の2" in text


def test_every_sheet_says_that_it_is_a_draft_in_both_languages() -> None:
    for language in ("ja", "en"):
        page = sheets(draft(), language)
        assert page.count('class="sheet') == 4
        assert page.count("下書き・提出前に総合通信局へ確認") == 4
        assert page.count("Draft: check with the bureau before filing") == 4
    assert as_text(draft()).startswith("【下書き・提出前に総合通信局へ確認】")


@pytest.mark.parametrize("facts", [COMPANY, ABROAD, {}, *({"kind": kind} for kind in ApplicantKind)])
def test_nothing_claims_that_anybody_has_approved(facts: dict[str, Any]) -> None:
    said = draft(facts)
    assert CLAIMS.findall(as_text(said)) == []
    assert CLAIMS.findall(re.sub(r"<[^>]+>", " ", sheets(said))) == []
    assert CLAIMS.findall(draw_diagram(said.network)) == []


def test_the_number_of_the_service_on_form_4_is_left_to_be_asked() -> None:
    text, page = as_text(draft()), sheets(draft())
    assert "項目番号（総合通信局に確認）" in text
    assert page.count("総合通信局に確認</span>") == 2
    for guess in ("31", "インターネット関連サービス"):
        assert guess not in text
        assert guess not in page
    assert any("項目番号" in left.ja for left in draft().by_hand)


def test_every_feature_that_takes_a_notification_can_stand_on_form_4() -> None:
    assert set(SERVICES) == {feature for feature in Feature if RULES[feature].required is Required.NOTIFIED}


def test_what_is_not_known_is_left_to_the_hand_and_nothing_is_made_up() -> None:
    empty = draft({}, network(SMALL, Answer.UNKNOWN))
    assert {left.ja for left in empty.by_hand} >= {
        "提出する日付（様式第8）",
        "住所（様式第8）",
        "業務区域（様式第8）",
        "電気通信設備の概要（様式第8）",
        "「サーバープロセス」の設置場所（様式第3）",
        "自ら設置する回線設備（様式第3）",
    }
    full = {left.ja for left in draft().by_hand}
    assert len(full) == 3
    assert full < {left.ja for left in empty.by_hand}
    assert "全国" not in [entry.value for entry in empty.items]


def test_the_equipment_is_only_outlined_where_there_are_lines() -> None:
    outline = {lines: draft(COMPANY, network(own_lines=lines)).items[1] for lines in Answer}
    assert outline[Answer.NO].value.startswith("記載なし")
    assert [outline[lines].value for lines in (Answer.YES, Answer.UNKNOWN)] == ["", ""]


def test_a_person_has_no_representative_and_everybody_else_has() -> None:
    labels = {kind: [entry.label.ja for entry in draft({"kind": kind}).head] for kind in ApplicantKind}
    represented = {kind for kind, found in labels.items() if any("代表者" in label for label in found)}
    assert represented == set(ApplicantKind) - {ApplicantKind.person}


def test_what_the_environment_says_is_taken_where_nobody_wrote_otherwise() -> None:
    who = Applicant.of({}, standing(Status.filed))
    assert (who.name, who.address, who.email, who.phone) == ("例示株式会社", "東京都千代田区", "contact@example.jp", "")
    assert Applicant.of({"name": "別の名"}, standing(Status.filed)).name == "別の名"
    phoned = standing(Status.filed, TELECOM_OPERATOR_CONTACT="03-0000-0000")
    assert (Applicant.of({}, phoned).phone, Applicant.of({}, phoned).email) == ("03-0000-0000", "")


def test_stored_facts_that_make_no_sense_count_as_not_given() -> None:
    who = Applicant.of(
        {"kind": "club", "abroad": True, "start_on": "tomorrow", "name": ["x"], "prefecture": "東京"}, Standing()
    )
    assert (who.kind, who.abroad, who.start_on, who.bureau) == (None, None, None, None)
    assert Applicant.of({"start_on": "2027-04-01"}, Standing()).start_on == date(2027, 4, 1)


def test_the_warning_says_when_these_are_the_wrong_papers() -> None:
    assert draft().warning is None
    assert Draft().warning is not None
    for outcome in set(Outcome) - {Outcome.NOTIFY}:
        assert Draft(outcome=outcome).warning is not None
    assert draft(stale=True).warning is not None


def test_what_somebody_wrote_stays_text_everywhere() -> None:
    hostile = draft(dict.fromkeys(("name", "address", "phone", "area"), HOSTILE), network(server=HOSTILE))
    page = sheets(hostile)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in draw_diagram(hostile.network)
    assert HOSTILE in as_text(hostile)


def test_the_sheets_need_nothing_that_the_policy_forbids() -> None:
    page = sheets(draft())
    assert re.findall(r"<[^>]+\s(?:style|on\w+)=", page) == []
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="([^"]+)"', page) == ["filing.css", "form-3.svg"]


# The diagram ----------------------------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> str:
    """All that is written in the diagram."""
    return "".join(ET.fromstring(svg).itertext())  # noqa: S314 -- our own drawing


def test_the_diagram_shows_the_running_configuration() -> None:
    drawn = draw_diagram(network(server="東京都", database="大阪府"))
    said = words(drawn)
    for part in (
        "利用者の端末",
        "HTTPS",
        "chat.example.jp",
        "自ら設置する回線設備なし",
        "リバースプロキシ（2段）",
        "サーバープロセス × 3",
        "PostgreSQL",
        "db.internal",
        "Redis",
        "cache.internal",
        "設置場所：東京都",
        "設置場所：大阪府",
        "設置場所：要記入",
    ):
        assert part in said, part
    assert len(ET.fromstring(drawn).findall(f"{SVG}rect")) == 7  # noqa: S314 -- paper, frame and five boxes


def test_a_small_deployment_is_one_machine() -> None:
    said = words(draw_diagram(network(SMALL)))
    assert "SQLite" in said
    assert "サーバープロセスと同じ機器" in said
    for absent in ("Redis", "リバースプロキシ", "HTTPS"):
        assert absent not in said


@pytest.mark.parametrize(
    ("host", "elsewhere"),
    [("", False), ("localhost", False), ("127.0.0.1", False), ("/run/postgresql", False), ("10.0.0.7", True)],
)
def test_where_the_database_stands_is_read_from_its_host(host: str, elsewhere: bool) -> None:  # noqa: FBT001 -- a table
    store = {"ENGINE": "django.db.backends.postgresql", "HOST": host}
    found = network(SimpleNamespace(**vars(LARGE) | {"DATABASES": {"default": store}})).machine("database")
    assert found is not None
    assert (found.where == f"別の機器（{host}）") is elsewhere


def test_no_secret_reaches_the_papers() -> None:
    said = draft()
    for paper in (as_text(said), sheets(said), draw_diagram(said.network)):
        for secret in ("a-secret", "another-secret", "somebody", "6380"):
            assert secret not in paper


def test_the_diagram_is_said_in_words_as_well() -> None:
    page = sheets(draft())
    assert f'alt="{describe_network(draft().network)[0]}' in page
    svg = ET.fromstring(draw_diagram(draft().network))  # noqa: S314 -- our own drawing
    assert svg.get("role") == "img"
    assert svg.findtext(f"{SVG}title")
    assert svg.findtext(f"{SVG}desc")
    assert [element for element in svg.iter() if "style" in element.attrib] == []


@given(st.text(), st.text(), st.sampled_from(Answer), st.integers(0, 10_000))
def test_the_diagram_is_well_formed_whatever_it_says(host: str, place: str, lines: Answer, processes: int) -> None:
    settings = SimpleNamespace(
        **vars(LARGE)
        | {
            "DATABASES": {"default": {"ENGINE": "other", "HOST": host}},
            "REDIS_URL": f"redis://{quote(host, safe='')}/0",
        }
    )
    drawn = draw_diagram(Network.of(settings, processes=processes, places={"server": place}, own_lines=lines))
    width = float(ET.fromstring(drawn).get("viewBox", "").split()[2])  # noqa: S314 -- our own drawing
    for box in ET.fromstring(drawn).iter(f"{SVG}rect"):  # noqa: S314
        if box.get("x"):
            assert float(box.get("x", 0)) >= 0
            assert float(box.get("x", 0)) + float(box.get("width", 0)) <= width


@given(st.text())
def test_what_goes_on_a_line_is_one_line(text: str) -> None:
    assert one_line(text).isprintable()
    assert one_line(one_line(text)) == one_line(text)


# How far it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reached"),
    [
        (Status.none, [True, False, False]),
        (Status.filed, [True, True, False]),
        (Status.notified, [True, True, True]),
        (Status.registered, [False, False, False]),
        (Status.exempt, [False, False, False]),
    ],
)
def test_the_stages_follow_the_environment(status: Status, reached: list[bool]) -> None:
    found = milestones_of(standing(status), {"LAW-03": {"arrived_on": "2026-05-18", "arrival_proof": "受付印"}})
    assert [stage.reached for stage in found] == reached
    assert sum(stage.now for stage in found) == (status.value in set(Stage))
    assert [stage.stage for stage in found] == list(Stage)
    assert found[1].recorded == ("2026-05-18", "受付印")
    assert "APA 37" in found[1].articles
    assert found[2].articles == ("REG 9(15)",)


# On the page ----------------------------------------------------------------------------------------------------------


def typed(**changes: str) -> dict[str, str]:
    """What somebody types on the page."""
    facts = {key: value for key, value in COMPANY.items() if isinstance(value, str)}
    return facts | {"place_server": "東京都", "place_database": "同上"} | changes


@pytest.mark.django_db
def test_what_is_typed_stands_on_the_sheets(desk: Client, operator: User) -> None:
    case, facts = assessment.read_answers(CLOUD | FACTS, assessment.doors())
    assessment.record(case, facts, operator, "ja")
    Instance.objects.create(id=uuid4(), fingerprint="x")
    assert desk.post(PAGE, typed()).status_code == 302
    stored = Filing.objects.get()
    assert (stored.changed_by, stored.facts["places"]["server"]) == (operator, "東京都")
    page, printed = desk.get(PAGE), desk.get(SHEETS).content.decode()
    assert page.context["draft"].warning is None
    for value in ("例示株式会社", "06-0000-0000", "近畿総合通信局"):
        assert value in page.content.decode()
        assert value in printed
    assert "サーバープロセス × 1（稼働中）" in printed
    assert "記載なし" in printed
    text = desk.get(f"{PAGE}draft.txt")
    assert (text["Content-Type"], "例示株式会社" in text.content.decode()) == ("text/plain; charset=utf-8", True)
    drawn = desk.get(f"{PAGE}form-3.svg")
    assert drawn["Content-Type"] == "image/svg+xml"
    assert "東京都" in words(drawn.content.decode())
    desk.post(PAGE, typed(name=""))
    assert Filing.objects.count() == 1
    assert "（要記入）" in desk.get(f"{PAGE}draft.txt").content.decode()


@pytest.mark.django_db
def test_a_feature_that_is_not_offered_is_not_filed(operator: User) -> None:
    document = CLOUD | FACTS | {"features": {"room.invite_only": "no"}}
    case, facts = assessment.read_answers(document, assessment.doors())
    assessment.record(case, facts, operator, "ja")
    assert filing.gather_draft(django_settings, gate.current()).services == (Feature.MATCH_PAIR,)


@pytest.mark.django_db
def test_the_proof_on_record_is_shown(desk: Client, operator: User) -> None:
    proof = evidence_for(ITEM["LAW-03"]) | {"arrived_on": "2026-05-18", "arrival_proof": "受付番号 123"}
    gate.sign(item=ITEM["LAW-03"], evidence=proof, actor=operator)
    assert "受付番号 123" in desk.get(PAGE).content.decode()


@pytest.mark.django_db
def test_what_cannot_be_read_is_asked_again_with_all_that_was_typed(desk: Client) -> None:
    page = desk.post(PAGE, typed(email="no address", start_on="soon", kind="club"))
    assert page.status_code == 200
    assert set(page.context["form"].errors) == {"email", "start_on", "kind"}
    assert "例示株式会社" in page.content.decode()
    assert not Filing.objects.exists()


@pytest.mark.django_db
def test_the_pages_speak_english_and_the_forms_stay_japanese(desk: Client) -> None:
    desk.cookies["django_language"] = "en"
    page, printed = desk.get(PAGE).content.decode(), desk.get(SHEETS).content.decode()
    assert "Where the notification stands" in page
    assert "電気通信事業届出書" in printed
    assert "Notification of a telecommunications business (form 8)" in printed
    assert "登録" not in printed


@pytest.mark.django_db
def test_only_the_operators_people_see_it(member: Client, make_user: MakeUser) -> None:
    staff = make_user("閲覧", is_staff=True)
    for path in (PAGE, SHEETS, f"{PAGE}draft.txt", f"{PAGE}form-3.svg"):
        assert Client().get(path).headers["Location"].startswith("/admin/login/?next=")
        assert member.get(path).status_code == 302
        assert signed_in(staff).get(path).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_checklist"))
    assert signed_in(staff).get(PAGE).status_code == 200
    assert signed_in(staff).post(PAGE, typed()).status_code == 403
    assert not Filing.objects.exists()


# On the command line --------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[str, str]:
    """Run the command; return what it printed and what it reported."""
    out, err = io.StringIO(), io.StringIO()
    call_command("filing", *arguments, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


@pytest.mark.django_db
def test_the_command_writes_sheets_text_and_diagram(tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps(COMPANY), encoding="utf-8")
    out, err = run("--out", str(tmp_path / "papers"), "--facts", str(facts), "--language", "en")
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "papers").iterdir()}
    assert set(written) == {"filing.html", "filing.css", "form-3.svg", "filing.txt"}
    assert set(out.split()) == {str(tmp_path / "papers" / name) for name in written}
    assert "assessment is not on record" in err
    assert "例示株式会社" in written["filing.html"]
    assert "例示株式会社" in written["filing.txt"]
    assert "国内のクラウド（東京都）" in words(written["form-3.svg"])
    assert "size: A4" in written["filing.css"]


@pytest.mark.django_db
def test_without_a_folder_the_command_prints_the_text() -> None:
    out, _err = run()
    assert "電気通信事業届出書（様式第8）" in out
    assert "下書き" in out


@pytest.mark.django_db
def test_facts_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "facts.json"
    for text in ("{", "[]"):
        broken.write_text(text)
        with pytest.raises(CommandError) as refused:
            run("--facts", str(broken))
        assert "\n" not in str(refused.value)
    with pytest.raises(CommandError):
        run("--facts", str(tmp_path / "none.json"))
    with pytest.raises(CommandError):
        run("--out", str(broken))
