"""Finds two sources that cannot both be true: the environment, the signed evidence, the filing and the ledger. Pure."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from compliance.law.checklist import Checklist, verdict_fits
from compliance.law.decision import Contradiction, day_in_japan, day_text
from compliance.law.facts import Facts
from compliance.law.items import ITEM, Item
from compliance.law.procedure import Outcome
from compliance.law.rules import Rule
from compliance.law.sentences import NOTIFICATION, signing_step
from compliance.law.standing import Standing, Status, japanese_date, normal
from compliance.law.text import Text
from compliance.law.variables import DATE, DATING, NUMBER, OFFERED, OPERATOR_ADDRESS, OPERATOR_NAME, REGISTRATION


def contradictions(standing: Standing, checklist: Checklist) -> Iterator[Contradiction]:
    """Yield each contradiction between the environment, the signed evidence, the filing and the ledger.

    An expired signature still counts as a statement; a withdrawn one does not. While nothing is filed there is nothing
    to compare. Not compared: a form 4 that covers more than is offered (which is allowed), and a verdict to notify
    under a registration (a registered operator may do what needs a notification).
    """
    if standing.status is Status.none:
        return
    facts = checklist.facts
    if standing.status is not Status.exempt:
        yield from _number_and_days(standing, checklist)
        yield from _filers(standing, facts)
    yield from _verdict(standing, facts)
    if facts.purge_seen is False:
        item = ITEM["LAW-12"]
        yield Contradiction(
            item.id,
            Text(
                f"{item.id}（{item.ja}）は自動消去の動作を確かめたと記録している",
                f"{item.id} ({item.en}) records that the deletion was seen to work",
            ),
            Text(
                f"台帳には、その署名の前{PURGE_BEFORE_DAYS}日以内に消去が実行された記録がない",
                f"the ledger shows no run of it in the {PURGE_BEFORE_DAYS} days before that signature",
            ),
            Text(
                f"python manage.py purge を実行してから、管理画面で {item.id} に署名し直してください。",
                f"Run python manage.py purge, then sign {item.id} anew in the admin.",
            ),
        )


PURGE_BEFORE_DAYS: Final = 7
"""How many days before LAW-12 is signed the ledger must show a purge: a daily job, and a week in which it may fail."""


def _number_and_days(standing: Standing, checklist: Checklist) -> Iterator[Contradiction]:
    facts, filed_on = checklist.facts, standing.filed_on
    arrival, number = ITEM["LAW-03"], ITEM["LAW-04"]
    if facts.number and standing.number and normal(facts.number) != normal(standing.number):
        yield _differs(NUMBER, standing.number, number, facts.number)
    if filed_on is None:
        return
    arrived = facts.arrived_on
    if arrived and standing.status is Status.registered:  # the registration comes some time after the application
        if (day := _iso(arrived)) and day > filed_on:
            yield _differs(DATE, filed_on.isoformat(), arrival, arrived)
    elif arrived and not _is_day(arrived, filed_on):
        yield _differs(DATE, filed_on.isoformat(), arrival, arrived)
    notified_on = _iso(facts.number_notified_on) if standing.number and facts.number_notified_on else None
    if notified_on and notified_on < filed_on:
        yield _earlier(filed_on, number, Text("番号の通知を受けた日", "the day of the notice"), notified_on)
    for item in (arrival, number) if standing.number else (arrival,):
        signature = checklist.signatures.get(item.id)
        if signature and day_in_japan(signature.signed_at) < filed_on:
            signed_on = day_in_japan(signature.signed_at)
            yield _earlier(filed_on, item, Text("署名した日", "the day of the signature"), signed_on)


def _filers(standing: Standing, facts: Facts) -> Iterator[Contradiction]:
    for variable, here, names in (
        (OPERATOR_NAME, standing.operator_name, [(filer.source, filer.name) for filer in facts.filers]),
        (OPERATOR_ADDRESS, standing.operator_address, [(filer.source, filer.address) for filer in facts.filers]),
    ):
        there = ((source, name) for source, name in names if here and name and normal(name) != normal(here))
        source, other = next(there, ("", ""))
        if not source:
            continue
        if source in ITEM:
            yield _differs(variable, here, ITEM[source], other)
            continue
        yield Contradiction(
            "LAW-03",
            Text(f"{variable} は「{here}」", f"{variable} is “{here}”"),
            Text(
                f"届出の書類（{NOTIFICATION.ja}、様式第8）は「{other}」",
                f"the notification ({NOTIFICATION.en}, form 8) says “{other}”",
            ),
            Text(
                f"届け出たとおりかを確かめ、違う方を直してください。{variable} を直して起動し直すか、"
                "管理画面の届出の書類を直します。表記だけの違い（株式会社と(株)など）なら、同じ表記にそろえます。",
                f"Check what was filed and correct the one that is wrong: set {variable} and restart, or correct the "
                "draft of the notification in the admin. If only the writing differs, write both alike.",
            ),
        )


def _verdict(standing: Standing, facts: Facts) -> Iterator[Contradiction]:
    item = ITEM["LAW-01"]
    again = Text(
        f"総合通信局の回答や届出の状況を確かめ、{item.id} の判定を記録し直してください。",
        f"Check the bureau's answer and the filing, and record {item.id}'s verdict anew.",
    )
    offers = Text(
        "このサーバーは利用者どうしのクローズド・チャットを運ぶ機能を提供している",
        "this server offers features that carry closed talk between users",
    )
    if facts.carries_messages is False:
        yield Contradiction(
            item.id,
            Text(
                f"{item.id}（{item.ja}）の N1 の答えは「メッセージを運ばない」",
                f"{item.id} ({item.en}) answers N1 with no: it carries no messages",
            ),
            offers,
            again,
        )
    elif facts.verdict == Outcome.OUT_NO_SERVICE:
        yield Contradiction(
            item.id,
            Text(
                f"{item.id}（{item.ja}）の結論は「電気通信役務に当たらない」（{facts.verdict}）",
                f"{item.id} ({item.en}) concludes that this is no telecommunications service ({facts.verdict})",
            ),
            offers,
            again,
        )
    elif facts.verdict != Outcome.CONSULT and not verdict_fits(standing, facts):
        yield Contradiction(
            item.id,
            Text(
                f"{item.id}（{item.ja}）の結論は {facts.verdict}",
                f"{item.id} ({item.en}) concludes {facts.verdict}",
            ),
            Text(f"{REGISTRATION} は {standing.status}", f"{REGISTRATION} is {standing.status}, which takes another"),
            again,
        )


def said_not_offered(rule: Rule) -> Contradiction:
    """Return the contradiction between LAW-01, which says that the feature is not offered, and the environment."""
    item = ITEM["LAW-01"]
    return Contradiction(
        item.id,
        Text(
            f"{item.id}（{item.ja}）は「{rule.title_ja}」を提供しないとしている",
            f"{item.id} ({item.en}) says that “{rule.title_en}” is not offered",
        ),
        Text(f"{OFFERED} はこれを提供するとしている", f"{OFFERED} says that it is"),
        Text(
            f"提供しないなら {OFFERED} から外して起動し直し、提供するなら判定（python manage.py assess）をやり直して"
            f"{item.id} に署名し直してください。",
            f"If it is not to be offered, take it out of {OFFERED} and restart; else assess again (python manage.py "
            f"assess) and sign {item.id} anew.",
        ),
    )


def _differs(variable: str, here: str, item: Item, there: str) -> Contradiction:
    return Contradiction(
        item.id,
        Text(f"{variable} は「{here}」", f"{variable} is “{here}”"),
        Text(f"{item.id}（{item.ja}）の署名は「{there}」", f"{item.id} ({item.en}) was signed for “{there}”"),
        Text(
            f"届け出たとおりかを確かめ、違う方を直してください。{variable} を直して起動し直すか、"
            f"管理画面で {item.id} に署名し直します。",
            f"Check what was filed and correct the one that is wrong: set {variable} and restart, or sign {item.id} "
            "anew in the admin.",
        ),
    )


def _earlier(filed_on: date, item: Item, what: Text, day: date) -> Contradiction:
    return Contradiction(
        item.id,
        Text(f"{DATE} は「{filed_on}」", f"{DATE} is “{filed_on}”"),
        Text(
            f"{item.id}（{item.ja}）の{what.ja}は、それより前の「{day}」",
            f"{item.id} ({item.en}) has an earlier one as {what.en}, “{day}”",
        ),
        Text(
            f"届け出た日を確かめ、違う方を直してください。{DATE} を直して起動し直すか、"
            f"管理画面で {item.id} に署名し直します。",
            f"Check the day of the filing and correct the one that is wrong: set {DATE} and restart, or sign {item.id} "
            "anew in the admin.",
        ),
    )


def _is_day(text: str, day: date) -> bool:
    """Whether a text is that day, in one of the usual ways of writing it."""
    ways = (day.isoformat(), f"{day:%Y/%m/%d}", f"{day:%Y.%m.%d}", day_text(day).ja, japanese_date(day))
    return normal(text) in {normal(way) for way in ways}


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def dating_number(standing: Standing, facts: Facts) -> Contradiction | None:
    """Compare the number of the dating notification in the environment with the one recorded with LAW-20."""
    recorded = facts.dating_number
    if not recorded or not standing.dating_number or normal(recorded) == normal(standing.dating_number):
        return None
    item = ITEM["LAW-20"]
    return Contradiction(
        item.id,
        Text(f"{DATING} は {standing.dating_number}", f"{DATING} is {standing.dating_number}"),
        Text(f"{item.id}（{item.ja}）の記録は {recorded}", f"{item.id} ({item.en}) records {recorded}"),
        Text(
            f"公安委員会から通知された番号を確かめ、違う方を直してください。{signing_step(item).ja}",
            "Check the number that the Public Safety Commission gave, and correct the one that is wrong: set "
            f"{DATING} and restart, or sign {item.id} anew.",
        ),
    )
