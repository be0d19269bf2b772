"""The operator's key in the database: who signed what with which evidence, what was withdrawn, and the record of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone, translation

from chat.models import User
from compliance import gate
from compliance.law import ITEM, ITEMS, LAW_VERSION
from compliance.models import GateState, LedgerEntry, Signature
from compliance.records import ledger
from compliance.testing import evidence_for, lift_stop, sign_all
from tests.compliance.cases import POWERS


def test_a_signature_keeps_who_when_what_and_until_when(operator: User) -> None:
    item = ITEM["LAW-07"]
    before = timezone.now()
    signature = gate.sign(item=item, evidence=evidence_for(item), actor=operator)
    signature.refresh_from_db()
    assert (signature.item_id, signature.signed_by, signature.law_version) == (item.id, operator, LAW_VERSION)
    assert signature.evidence == evidence_for(item)
    assert before <= signature.signed_at <= timezone.now()
    assert item.valid_days is not None
    assert signature.expires_at == signature.signed_at + timedelta(days=item.valid_days)
    entry = LedgerEntry.objects.get(event="item.signed")
    assert (entry.actor, entry.role) == (ledger.actor_of(operator), "superuser")
    assert entry.payload["evidence"] == signature.evidence


def test_every_item_can_be_signed_and_the_chain_tells_of_it(operator: User) -> None:
    sign_all(operator)
    assert set(Signature.objects.values_list("item_id", flat=True)) == {item.id for item in ITEMS}
    assert LedgerEntry.objects.filter(event="item.signed").count() == len(ITEMS)
    assert ledger.verify() is None


def test_nothing_is_signed_without_its_evidence(operator: User) -> None:
    for item in ITEMS:
        for field in item.evidence:
            for nothing in ("", None, False) if field.required else ():
                with pytest.raises(ValidationError) as refused:
                    gate.sign(item=item, evidence=evidence_for(item) | {field.key: nothing}, actor=operator)
                assert field.key in refused.value.message_dict
    assert not Signature.objects.exists()
    assert not LedgerEntry.objects.exclude(event__in=POWERS).exists()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_what_is_missing_is_named_in_the_readers_language(language: str, operator: User) -> None:
    item = ITEM["LAW-07"]
    with translation.override(language), pytest.raises(ValidationError) as refused:
        gate.sign(item=item, evidence={}, actor=operator)
    said = " ".join(refused.value.messages)
    for field in item.evidence:
        assert getattr(field, language) in said


def test_evidence_that_the_item_does_not_ask_for_is_not_kept(operator: User) -> None:
    gate.sign(item=ITEM["LAW-07"], evidence=evidence_for(ITEM["LAW-07"]) | {"other": "x"}, actor=operator)
    assert set(Signature.objects.get().evidence) == {field.key for field in ITEM["LAW-07"].evidence}


def test_signing_again_withdraws_the_earlier_one_as_renewed(operator: User) -> None:
    first, second = (
        gate.sign(item=ITEM["LAW-07"], evidence=evidence_for(ITEM["LAW-07"]), actor=operator) for _ in range(2)
    )
    first.refresh_from_db()
    assert (first.withdrawal_reason, first.withdrawn_by) == ("renewed", operator)
    assert second.withdrawn_at is None
    assert [entry.payload["renewed"] for entry in LedgerEntry.objects.filter(event="item.signed")] == [False, True]


def test_withdrawing_keeps_the_signature_and_the_reason(operator: User) -> None:
    gate.sign(item=ITEM["LAW-07"], evidence=evidence_for(ITEM["LAW-07"]), actor=operator)
    gate.withdraw(item=ITEM["LAW-07"], reason=" 退職者の扱いを見直す \n", actor=operator)
    signature = Signature.objects.get()
    assert signature.withdrawn_by == operator
    assert signature.withdrawal_reason == "退職者の扱いを見直す"
    assert LedgerEntry.objects.latest("seq").payload == {
        "item": "LAW-07",
        "signature": signature.pk,
        "reason": "退職者の扱いを見直す",
    }


def test_each_move_takes_a_reason_and_something_to_undo(operator: User) -> None:
    item = ITEM["LAW-07"]
    gate.sign(item=item, evidence=evidence_for(item), actor=operator)
    for nothing in ("", "  \n"):
        with pytest.raises(ValidationError):
            gate.withdraw(item=item, reason=nothing, actor=operator)
        with pytest.raises(ValidationError):
            gate.pull_stop(reason=nothing, actor=operator)
        with pytest.raises(ValidationError):
            lift_stop(reason=nothing, actor=operator)
    with pytest.raises(ValidationError):
        lift_stop(reason="止めていない", actor=operator)
    gate.withdraw(item=item, reason="見直し", actor=operator)
    with pytest.raises(ValidationError):
        gate.withdraw(item=item, reason="もう一度", actor=operator)
    gate.pull_stop(reason="点検", actor=operator)
    with pytest.raises(ValidationError):
        gate.pull_stop(reason="もう一度", actor=operator)
    written = LedgerEntry.objects.exclude(event__in=POWERS).values_list("event", flat=True)
    assert list(written) == ["item.signed", "item.withdrawn", "stop.pulled"]


def test_the_stop_says_who_when_and_why_until_it_is_lifted(operator: User) -> None:
    gate.pull_stop(reason="調査のため", actor=operator)
    state = GateState.objects.get()
    assert (state.stopped_by, state.stop_reason) == (operator, "調査のため")
    stop = gate.current().stop
    assert stop is not None
    assert (stop.since, stop.reason) == (state.stopped_at, "調査のため")
    lift_stop(reason="調査が終わった", actor=operator)
    assert gate.current().stop is None
    assert LedgerEntry.objects.latest("seq").payload["reason"] == "調査が終わった"


def test_every_move_is_noticed_by_every_process(operator: User) -> None:
    """A move is a new revision, never one that was there before."""
    seen = [gate.current().revision]
    for move in (
        lambda: gate.sign(item=ITEM["LAW-07"], evidence=evidence_for(ITEM["LAW-07"]), actor=operator),
        lambda: gate.withdraw(item=ITEM["LAW-07"], reason="見直し", actor=operator),
        lambda: gate.pull_stop(reason="点検", actor=operator),
        lambda: lift_stop(reason="終わった", actor=operator),
    ):
        move()
        seen.append(gate.current().revision)
    assert len(set(seen)) == len(seen)


def test_a_move_that_cannot_be_recorded_does_not_happen(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise DatabaseError("the ledger does not answer")

    monkeypatch.setattr(ledger, "append", broken)
    item = ITEM["LAW-07"]
    for move in (
        lambda: gate.sign(item=item, evidence=evidence_for(item), actor=operator),
        lambda: gate.pull_stop(reason="点検", actor=operator),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            move()
    assert not Signature.objects.exists()
    assert gate.current().stop is None


def test_nobody_signs_namelessly(db: None) -> None:
    with pytest.raises((ValueError, DatabaseError)), transaction.atomic():
        gate.pull_stop(reason="点検", actor=AnonymousUser())  # type: ignore[arg-type]
