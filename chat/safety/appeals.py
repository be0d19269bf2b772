"""Appeals against acts: once per act, decided by a second moderator where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import REASON_LENGTH, Appeal, Sanction, User
from chat.protocol import Code, Refused
from chat.safety.mails import tell
from chat.safety.sanctions import lift
from compliance import powers
from compliance.law import Text
from compliance.law.powers import Power
from compliance.powers import Waiting, may, tell_on_duty
from compliance.records import ledger
from compliance.records.events import Event

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

WORDS: Final = 2000
_APPEAL: Final = Text("不服申立てが届きました。", "An appeal arrived.")


def appealable(sanction: Sanction) -> bool:
    """Return whether an act can be appealed against: it was not lifted, and nobody has appealed yet."""
    return sanction.lifted_at is None and not Appeal.objects.filter(sanction=sanction).exists()


def appeal(*, sanction: Sanction, words: str) -> Appeal:
    """Note what somebody says against an act on them.

    Args:
        sanction: the act. The caller has made sure that it is this person's.
        words: why it is wrong.

    Raises:
        Refused: `protocol` without words, `conflict` where there was an appeal or the act was lifted.
    """
    words = words.strip()[:WORDS]
    if not words:
        raise Refused(Code.PROTOCOL, _("Say why the act is wrong."))
    with transaction.atomic():
        sanction = Sanction.objects.select_for_update().get(pk=sanction.pk)
        if not appealable(sanction):
            raise Refused(Code.CONFLICT, _("You have appealed against this before, or it was lifted."))
        tell_on_duty({Power.PEOPLE}, Waiting(_APPEAL, reverse("chat:desk_appeals")))
        return Appeal.objects.create(sanction=sanction, words=words)


def waiting_appeals() -> list[Appeal]:
    """Return the appeals that nobody has decided, oldest first."""
    waiting = Appeal.objects.filter(outcome="").select_related("sanction__user", "sanction__room", "sanction__by")
    return list(waiting.order_by("at"))


def waiting_for(actor: AbstractBaseUser) -> int:
    """Return how many appeals this member of staff may decide now."""
    waiting = Appeal.objects.filter(outcome="")
    if powers.holders(Power.PEOPLE).exclude(pk=actor.pk).exists():
        waiting = waiting.exclude(sanction__by=actor.pk)
    return waiting.count()


def needs_another(sanction: Sanction, actor: User) -> bool:
    """Return whether somebody else has to decide: the actor made the act, and another moderator is there."""
    return sanction.by_id == actor.pk and powers.holders(Power.PEOPLE).exclude(pk=actor.pk).exists()


def decide(*, appeal: Appeal, actor: User, outcome: Appeal.Outcome, note: str, origin: str = "") -> None:
    """Decide an appeal, and tell the person.

    Args:
        appeal: the appeal.
        actor: staff with the power over people; not who acted, where there is another one.
        outcome: whether the act stands or is lifted.
        note: why; the person reads it.
        origin: scheme and host for the mail's links; empty for none.

    Raises:
        Refused: `forbidden` without the power or where another one decides, `protocol` without a note, `conflict` where
            it was decided before.
    """
    note = " ".join(note.split())[:REASON_LENGTH]
    if not may(actor, Power.PEOPLE):
        raise Refused(Code.FORBIDDEN, _("You may not do this."))
    if not note:
        raise Refused(Code.PROTOCOL, _("Give a reason: the person reads it."))
    with transaction.atomic():
        User.objects.select_for_update().get(pk=appeal.sanction.user_id)
        appeal = Appeal.objects.select_for_update().get(pk=appeal.pk)
        if appeal.outcome:
            raise Refused(Code.CONFLICT, _("This appeal was decided before."))
        if appeal.sanction.user_id == actor.pk:
            raise Refused(Code.FORBIDDEN, _("Nobody acts on themselves."))
        if needs_another(appeal.sanction, actor):
            raise Refused(Code.FORBIDDEN, _("You made this act. Another moderator decides the appeal."))
        appeal.outcome, appeal.note = outcome, note
        appeal.decided_at, appeal.decided_by = timezone.now(), actor
        appeal.save()
        ledger.append(
            Event.APPEAL_DECIDED,
            actor=actor,
            payload={
                "account": ledger.actor_of(appeal.sanction.user).ref,
                "act": str(appeal.sanction.public_id),
                "outcome": outcome.value,
                "note": note,
            },
        )
        if outcome == Appeal.Outcome.LIFTED and appeal.sanction.lifted_at is None:
            lift(sanction=appeal.sanction, actor=actor, origin=origin)
            return
        Sanction.objects.filter(pk=appeal.sanction_id).update(changed_at=timezone.now())
        User.objects.filter(pk=appeal.sanction.user_id).update(has_unread_act=True)
        transaction.on_commit(lambda: tell(appeal.sanction, origin))
